"""What is still random where droplab drops nothing: in training at p = 0, and in evaluation."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from droplab import global_numpy
from droplab.errors import ModelError
from droplab.execution.check.subject import Batch, Subject, unchanged
from droplab.layers.learned import rate_parameters
from droplab.records import Notice
from droplab.surgery import rates, site_layers
from droplab.surgery.draws import Draw, DrawRecorder

MOST_NAMED = 8
"""Draws that a message names; of more, their number is said."""
MOST_PASSES = 16
"""Passes until two differ, where something is drawn: a coin that leaves a layer out may fall on one side many times."""
NO_RATE = 1e-6
"""Rates below this are 0: a learned rate has no exact one."""
WHAT_TO_DO = (
    "Give the place a drop rate that arms can set: a layer (nn.Dropout(p) in __init__, self.drop(x) in forward) in "
    "the place of a function; droplab.nn.DropPath(p) in the place of stochastic depth of your own; "
    "`F.dropout(x, self.p, training=self.training)` where it must stay one, with p = 0 here; "
    "`dropout=0` in the constructor of nn.LSTM, nn.MultiheadAttention and the like."
)
OR_ALLOW = (
    "Or, to train it as it is and have the verdict say so: --allow-random-baseline "
    "(compare(..., allow_random_baseline=True))."
)


class Seen(NamedTuple):
    """What two passes that should be equal showed."""

    drops: tuple[Draw, ...]
    """Draws that dropped units."""
    others: tuple[str, ...]
    """Other randomness that changes the output: draws, or the generators that moved."""
    reproducible: bool
    """Whether the same state of all generators gives the same output."""


def check_randomness(subject: Subject, *, allow: bool = False) -> Iterator[Notice]:
    """Compare passes under different states of all generators, with every site of droplab's at p = 0.

    Args:
        subject: the arm.
        allow: say what would be refused.

    Raises:
        ModelError: the arm claims to drop nothing and drops, or dropout acts in evaluation mode.
    """
    training, evaluation = look(subject)
    name, arm = subject.spec.model.name, subject.arm.name
    refused = []
    if training.drops and claims_no_dropout(subject):
        refused.append(f"arm {arm!r} is to train without dropout, but model {name!r} drops in training:\n"
                       f"{_list(training.drops)}")  # fmt: skip
    if evaluation.drops:
        refused.append(f"model {name!r} drops in evaluation mode, so that every measurement is random:\n"
                       f"{_list(evaluation.drops)}")  # fmt: skip
    if refused and not allow:
        raise ModelError("\n".join([*refused, f"{WHAT_TO_DO} {OR_ALLOW}"]))
    for mode, seen in (("training", training), ("evaluation", evaluation)):
        if seen.drops:
            yield Notice(f"drops_in_{mode}", arm, {"what": named(str(draw) for draw in seen.drops)})
        if seen.others:
            yield Notice(f"random_in_{mode}", arm, {"what": named(seen.others)})
        if not seen.reproducible:
            yield Notice(f"not_reproducible_in_{mode}", arm)


def beyond_arms(subject: Subject) -> str:
    """What drops in training although no site of the model's does, as lines; empty where nothing does."""
    training, _ = look(subject)
    return _list(training.drops)


def claims_no_dropout(subject: Subject) -> bool:
    """Whether an arm says p = 0: a rate is given, all are 0, and no schedule moves them."""
    given = not isinstance(subject.arm.p, dict) or bool(subject.arm.p)
    return given and not subject.moves and all(rate < NO_RATE for rate in rates(subject.model).values())


def look(subject: Subject) -> tuple[Seen, Seen]:
    """What is random in training mode and in evaluation mode while no site of droplab's drops."""
    with _silenced(subject):
        training = _twice(subject, subject.train, subject.first, "training")
        with torch.no_grad():
            return training, _twice(subject, subject.evaluate, subject.validation, "evaluation")


@contextmanager
def _silenced(subject: Subject) -> Iterator[None]:
    """Every site at p = 0, whatever the arm wants of it."""
    layers: list[Any] = list(site_layers(subject.model).values())
    before = [layer.p for layer in layers]
    learned = [(value, value.detach().clone()) for value in rate_parameters(subject.model)]
    for layer in layers:
        layer.p = 0.0
    try:
        yield
    finally:
        for layer, rate in zip(layers, before, strict=True):
            layer.p = rate
        with torch.no_grad():
            for value, content in learned:
                value.copy_(content)


def _twice(subject: Subject, run: Callable[[Batch, int], Tensor], batch: Batch, doing: str) -> Seen:
    def recorded(seed: int) -> tuple[Tensor, DrawRecorder, set[str]]:
        with subject.refusing(doing, batch), unchanged(subject.model), DrawRecorder(subject.model) as recorder:
            before: dict[str, Any] = {}

            def started(*_: Any) -> None:
                before.update(_generators())

            hook = subject.model.register_forward_pre_hook(started, prepend=True)
            try:
                output = run(batch, seed)
            finally:
                hook.remove()
        after = _generators()
        return output, recorder, {name for name, state in before.items() if state != after[name]}

    first, one, moved = recorded(1)
    recorders = [one]
    for seed in range(2, MOST_PASSES + 1):
        second, recorder, _ = recorded(seed)
        recorders.append(recorder)
        if not same(first, second) or not (one.draws or moved):
            break
    draws = {str(draw): draw for recorder in recorders for draw in recorder.distinct}
    drops = tuple({str(draw): draw for seen in recorders for draw in seen.distinct if draw.drops}.values())
    if same(first, second):
        return Seen(drops, (), reproducible=True)
    again, _, _ = recorded(1)
    if not same(first, again):
        return Seen(drops, (), reproducible=False)
    dropping = {str(draw) for draw in drops}
    others = tuple(text for text in draws if text not in dropping) + tuple(sorted(moved))
    return Seen(drops, others, reproducible=True)


def _generators() -> dict[str, Any]:
    """States of the generators that no operator of torch shows."""
    return {"NumPy's generator": global_numpy.standing(), "Python's generator": random.getstate()}


def same(a: Any, b: Any) -> bool:
    """Whether two outputs are equal to the bit; NaN equals NaN."""
    if not isinstance(a, Tensor) or not isinstance(b, Tensor):
        return type(a) is type(b)
    return a.shape == b.shape and bool(torch.equal(a.nan_to_num(), b.nan_to_num()))


def named(texts: Any) -> str:
    """The first few, and how many more there are."""
    found = list(texts)
    more = f"; … (+{len(found) - MOST_NAMED})" if len(found) > MOST_NAMED else ""
    return "; ".join(found[:MOST_NAMED]) + more


def _list(draws: tuple[Draw, ...]) -> str:
    lines = [f"  - {draw}" for draw in draws[:MOST_NAMED]]
    more = len(draws) - MOST_NAMED
    return "\n".join([*lines, *([f"  - … and {more} more"] if more > 0 else [])])

"""Calls of two passes → dropouts that execute: one for each function, line and module."""

from __future__ import annotations

from torch import nn

from droplab.auditing.executed import Call, Executed, Passed
from droplab.auditing.levels import level_of
from droplab.layers.serving import functions


def key_of(call: Call) -> tuple[str, str, str]:
    """What tells one dropout that executes from another, but for its rate."""
    return call.module, call.function, call.place


def merged(train: Passed, evaluation: Passed) -> tuple[Executed, ...]:
    """What executes in either pass, in the order of the train pass; calls that drop nothing in both are listed too.

    A line that is called at several rates in train mode is one for each of them.
    """
    mine: dict[tuple[tuple[str, str, str], float | None], list[Call]] = {}
    theirs: dict[tuple[str, str, str], list[Call]] = {}
    for call in train.calls:
        mine.setdefault((key_of(call), call.p), []).append(call)
    for call in evaluation.calls:
        theirs.setdefault(key_of(call), []).append(call)
    there = [_one(calls, theirs.get(key, [])) for (key, _), calls in mine.items()]
    seen = {key for key, _ in mine}
    only = (calls for key, calls in theirs.items() if key not in seen and not _in_place_of_a_key(calls))
    return (*there, *(_one([], calls) for calls in only))


def _in_place_of_a_key(calls: list[Call]) -> bool:
    """Whether these are torch's functions that a module of ours calls in eval mode, when keys have nothing to do."""
    owner = calls[0].owner
    return owner is not None and bool(functions(owner)) and not any(call.active for call in calls)


def _one(train: list[Call], evaluation: list[Call]) -> Executed:
    first = next((call for call in train if call.active), (train or evaluation)[0])
    drawn = sum(call.drawn for call in train)
    drops = any(call.drops for call in (train or evaluation))
    return Executed(
        module=first.module,
        owner=_class_name(first.owner),
        function=first.function,
        place=first.place,
        what=first.what,
        p=first.p,
        shape=first.draws[0][1] if first.what == "attention" and first.draws else first.shape,
        calls=len(train),
        share=sum(call.dropped for call in train) / drawn if drawn else None,
        drawn=drawn,
        bytes=sum(call.bytes for call in train),
        level=level_of(first),
        in_train=any(call.draws or (call.active and call.handled) for call in train),
        in_eval=any(call.draws or (call.active and call.handled) for call in evaluation),
        drops=drops,
        draws=tuple(name for call in train for name, _ in call.draws),
    )


def _class_name(module: nn.Module | None) -> str:
    """A class with its package: ``torch.nn.Dropout``, ``timm.DropPath``."""
    if module is None:
        return ""
    kind = type(module)
    if kind.__module__.startswith("torch.nn."):
        return f"torch.nn.{kind.__qualname__}"
    return f"{kind.__module__.partition('.')[0]}.{kind.__qualname__.rpartition('.')[2]}"

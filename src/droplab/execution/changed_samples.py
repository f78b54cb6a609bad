"""The validation samples of a task that an arm does best and worst on, against the baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from droplab.contents import NOTHING, Cells, ChangedSample, ChangedSamples, Content
from droplab.data.trees import picked
from droplab.errors import DroplabError
from droplab.execution.drawing import CELLS, contents, input_of
from droplab.execution.loading import load_again
from droplab.execution.trained import models_in, only
from droplab.ledger import OpenLedger
from droplab.records import ExperimentRecord, RunKey
from droplab.spec.specfile import parse_spec
from droplab.tasks.base import LOSS
from droplab.tasks.checking import check_parts
from droplab.tasks.evaluate import outputs_of
from droplab.tasks.sketch import Sketch
from droplab.tasks.split import TaskSplit
from droplab.tasks.table import make_task

SAMPLES = 6
"""Of each arm at most: half of them gained most, half lost most."""
ALL = 48
"""Of all arms together, where each has two at least."""
MODELS = 12
"""Arms whose models are asked what they say."""

_PRIMARY = f"val_{LOSS}"


def changed_samples(ledger: OpenLedger, record: ExperimentRecord, data_dir: Path | None = None) -> ChangedSamples:
    """Samples whose loss fell or rose most against the baseline's, mean over shared seeds.

    None, without a reason, where the experiment has no task of a kind that can be drawn.

    Args:
        ledger: open.
        record: what it holds.
        data_dir: where the data set is, if it has moved since the experiment.
    """
    if "task" not in record.spec or "data" not in record.spec:
        return NOTHING
    folder, others = ledger.path.parent, [arm for arm in record.arms if arm != record.baseline]
    shared = {arm: seeds for arm in others if (seeds := _shared(record, arm))}
    measured = {arm: _losses(ledger, record.baseline, arm, seeds) for arm, seeds in shared.items()}
    losses = {arm: pair for arm, pair in measured.items() if pair is not None}
    resampled = bool(record.spec.get("resample"))
    try:
        spec = parse_spec(record.spec, str(folder))
        task = make_task(spec.task)
        if not hasattr(task, "sketches"):
            return NOTHING
        if resampled or not losses:
            return ChangedSamples({}, None, "resampled" if resampled else "old" if shared else "unfinished")
        split = load_again(spec, 0, ledger.design(), folder, data_dir)
    except DroplabError:
        return ChangedSamples({}, None, "data")
    assert isinstance(split, TaskSplit)
    check_parts(task, {"train": split.looked["train"]}, split.classes)
    seed = next(iter(shared.values()))[0]
    drawer = _Drawer(ledger, record, split, task, seed, data_dir)
    count = max(2, min(SAMPLES, ALL // len(losses)))
    drawings: dict[str, tuple[ChangedSample, ...]] = {}
    for place, (arm, (before, after)) in enumerate(losses.items()):
        chosen = _most_changed(before, after, count // 2)
        drawn = drawer.draw(arm if place < MODELS - 1 and seed in shared[arm] else "", chosen)
        if drawn is None:
            return NOTHING
        drawings[arm] = tuple(
            ChangedSample(index, *parts, before[index], after[index])
            for index, parts in zip(chosen, drawn, strict=True)
        )
    return ChangedSamples(drawings, seed if drawer.spoke else None)


def _shared(record: ExperimentRecord, arm: str) -> list[int]:
    """Seeds with which the baseline and the arm are done."""
    done = {key for key, run in record.runs.items() if run.state == "done"}
    return [seed for seed in record.seeds if done.issuperset({RunKey(record.baseline, seed), RunKey(arm, seed)})]


def _losses(
    ledger: OpenLedger, baseline: str, arm: str, seeds: Sequence[int]
) -> tuple[list[float], list[float]] | None:
    """Of each sample, under baseline and arm; NaN where a seed has none."""
    found = [[_loss(ledger, RunKey(one, seed)) for seed in seeds] for one in (baseline, arm)]
    if any(not values for values in (*found[0], *found[1])):
        return None
    before, after = (torch.tensor(values, dtype=torch.float64).mean(0).tolist() for values in found)
    return before, after


def _loss(ledger: OpenLedger, key: RunKey) -> Sequence[float]:
    """At the last epoch; of classes the negative logarithm of the probability that the true one is given."""
    by_epoch = ledger.samples(key)
    if by_epoch and _PRIMARY in by_epoch[max(by_epoch)]:
        return by_epoch[max(by_epoch)][_PRIMARY].values
    shown = ledger.predictions(key)
    return [] if shown is None else [-math.log(max(share, 1e-12)) for share in shown.confidence]


def _most_changed(before: Sequence[float], after: Sequence[float], half: int) -> list[int]:
    """Numbers of those that gained most, then of those that lost most, the most first."""
    change = [(b - a, index) for index, (a, b) in enumerate(zip(before, after, strict=True)) if math.isfinite(b - a)]
    change.sort()
    gained = [index for by, index in change[:half] if by < 0]
    return [*gained, *(index for by, index in reversed(change[-half:]) if by > 0)]


class _Drawer:
    """Draws samples with what the models of one seed say."""

    def __init__(
        self,
        ledger: OpenLedger,
        record: ExperimentRecord,
        split: TaskSplit,
        task: Any,
        seed: int,
        data_dir: Path | None,
    ) -> None:
        self._ledger, self._record, self._split, self._task = ledger, record, split, task
        self._seed, self._data_dir = seed, data_dir
        self._models: dict[str, Any] = {}
        self.spoke = False
        """Whether any model said anything."""

    def draw(
        self, arm: str, chosen: Sequence[int]
    ) -> list[tuple[Content | None, Content, Content | None, Content | None]] | None:
        """Input, truth, what the baseline says and what the arm says; ``None`` where the task draws nothing."""
        if not chosen:
            return []
        inputs, targets = self._split.validation.take(torch.tensor(chosen))
        guess = self._task.guess(targets)
        blank = self._task.sketches(guess.expand(len(chosen), *guess.shape[1:]), targets)
        if not blank:
            return None
        said = [self._says(one, inputs, targets) if arm else None for one in (self._record.baseline, arm)]
        self._models.pop(arm, None)  # it is asked once, the baseline's for every arm
        names, words = self._split.class_names, self._split.vocabulary
        found = []
        for at, index in enumerate(chosen):
            truth, _ = contents(blank[at], names, words)
            before, after = (None if one is None else contents(one[at], names, words)[1] for one in said)
            given = None if blank[at].form == "tokens" else self._input(index, inputs, at)
            found.append((given, truth, before, after))
        return found

    def _input(self, index: int, inputs: Any, at: int) -> Content | None:
        if self._split.table is not None:
            table, rows = self._split.table
            return Cells(table.cells(int(rows[index]))[:CELLS])
        return input_of(picked(inputs, at), self._split.vocabulary)

    def _says(self, arm: str, inputs: Any, targets: Any) -> tuple[Sketch, ...] | None:
        model = self._model(arm)
        if model is None:
            return None
        with torch.inference_mode():
            outputs = outputs_of(model, inputs).float()
        self.spoke = True
        return self._task.sketches(outputs, targets)  # type: ignore[no-any-return]

    def _model(self, arm: str) -> Any:
        """None where its checkpoint, or the code that builds it, is gone."""
        if arm not in self._models:
            folder = self._ledger.path.parent
            try:
                made = models_in(self._ledger, folder, arm, self._seed, None, self._data_dir, self._record)
                self._models[arm] = only(made)
            except DroplabError:
                self._models[arm] = None
        return self._models[arm]

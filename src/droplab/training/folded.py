"""Sums of an evaluation on folds of its samples, in the house's own loop."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from droplab.folds import folds_for, hashes
from droplab.records import Measure
from droplab.tasks.base import ratio
from droplab.tasks.evaluate import by_fold
from droplab.tasks.task import Task

_MEANS = {"loss": "loss", "accuracy": "hit"}
"""Measures that are means over samples, and the row that is their sum."""


@final
class Folded:
    """Sum and count of a task's means on each fold; a sample's fold is that of its place among the samples.

    Measures that are no means have none, as what early stopping would give cannot be had from their sums.

    Args:
        task: whose figures.
        samples: how many there are.

    >>> from droplab.tasks.regression import Regression
    >>> folded = Folded(Regression(), 4)
    >>> folded.add(torch.tensor([1.0, 2.0, 3.0, 5.0]), torch.tensor([1.0, 3.0, 3.0, 4.0]))
    >>> folded.pairs()
    {'loss': ((0.0, 1.0), (2.0, 3.0))}
    """

    def __init__(self, task: Task, samples: int) -> None:
        self._task, self._count = task, folds_for(samples)
        places = hashes(np.arange(samples)) % np.uint64(self._count)
        self._folds = torch.from_numpy(places.astype(np.int64))
        self._sums: dict[str, Tensor] = {}
        self._seen = 0

    def add(self, outputs: Tensor, targets: Any) -> None:
        """One batch, in the order of the samples."""
        start, self._seen = self._seen, self._seen + len(outputs)
        folds = self._folds[start : self._seen].to(outputs.device)
        found = by_fold(self._task.rows(outputs, targets), folds, self._count)
        self._sums = {name: self._sums[name] + value if self._sums else value for name, value in found.items()}

    def pairs(self) -> dict[str, tuple[tuple[float, float], ...]]:
        """By measure; none where a fold has no sample that counts."""
        counts = self._sums["count"].tolist()
        if not all(counts):
            return {}
        given = [(one.name, _MEANS[one.name]) for one in self._task.measures if self._is_mean(one)]
        return {name: tuple(zip(self._sums[row].tolist(), counts, strict=True)) for name, row in given}

    def _is_mean(self, measure: Measure) -> bool:
        """A task of the user's own may mean something else by the name."""
        row = _MEANS.get(measure.name)
        if row is None or row not in self._sums or self._sums[row].ndim != 1:
            return False
        parts = [{name: value[fold] for name, value in self._sums.items()} for fold in range(self._count)]
        return all(self._task.figures(part).get(measure.name) == ratio(part[row], part["count"]) for part in parts)

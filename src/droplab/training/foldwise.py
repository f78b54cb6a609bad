"""Validation figures on folds: what says how an arm does at the epoch that other samples choose."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from droplab.folds import folds_for, hashes
from droplab.tasks.evaluate import by_fold
from droplab.tasks.task import Task

Pairs = dict[str, tuple[tuple[float, float], ...]]
"""By figure: its sum and count on each fold."""


class Foldwise:
    """The sums of a task's means on folds of a validation set. A sample's id is its place in the set.

    Args:
        task: whose ``means``; a task without them has nothing to add.
        samples: how many the set has.

    >>> from droplab.tasks.classification import Classification
    >>> foldwise = Foldwise(Classification(), 4)
    >>> foldwise.add(torch.tensor([[2.0, 0.0]] * 4), torch.tensor([0, 0, 0, 1]))
    >>> foldwise.pairs()["accuracy"]
    ((1.0, 1.0), (2.0, 3.0))
    """

    def __init__(self, task: Task, samples: int) -> None:
        self._task = task
        self._means = [name for name in (one.name for one in task.measures) if name in getattr(task, "means", ())]
        self._count = folds_for(samples)
        self._folds = torch.from_numpy((hashes(np.arange(samples)) % np.uint64(self._count)).astype(np.int64))
        self._sums: dict[str, Tensor] = {}
        self._seen = 0

    def add(self, outputs: Tensor, targets: Any) -> None:
        """One batch; batches come in the set's order."""
        if not self._means:
            return
        start, self._seen = self._seen, self._seen + len(outputs)
        rows = self._task.rows(outputs, targets)
        found = by_fold(rows, self._folds[start : self._seen].to(outputs.device), self._count)
        self._sums = {name: self._sums[name] + value if self._sums else value for name, value in found.items()}

    def pairs(self) -> Pairs:
        """Of all batches; none where a fold has no sample that counts."""
        sums = {name: value.cpu() for name, value in self._sums.items()}
        counts = sums["count"].tolist() if sums else []
        if not all(counts):
            return {}
        figures = [
            self._task.figures({name: value[fold] for name, value in sums.items()}) for fold in range(len(counts))
        ]
        return {
            name: tuple((found[name] * count, count) for found, count in zip(figures, counts, strict=True))
            for name in self._means
        }

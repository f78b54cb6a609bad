"""Validation figures on folds: what says how an arm does at the epoch that other samples choose."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from droplab.errors import UserError
from droplab.folds import OTHERS, fold_values, folds_for, folds_of_groups, hashes
from droplab.records import SampleValues
from droplab.tasks.base import LOSS
from droplab.tasks.evaluate import Kept, by_fold
from droplab.tasks.task import Sums, Task

Pairs = dict[str, tuple[tuple[float, float], ...]]
"""By figure: its sum and count on each fold."""


class Foldwise:
    """A task's figures on folds of a validation set. A sample's id is its group, or else its place in the set.

    A mean over samples is told by its sums. Of any other figure (F1, R2) each fold has the value, times its count as if
    it were a mean; and under ``NAME/others`` the value on all samples but the fold's, last the one on all.

    Args:
        task: whose measures; those in ``means`` are means.
        samples: how many the set has.
        groups: ``(samples,)``, the group of each sample, where there are groups.
        each: whether the loss of each sample is kept, too, where the task's rows have it.

    >>> from droplab.tasks.classification import Classification
    >>> foldwise = Foldwise(Classification(figures=["accuracy", "macro_f1"]), 4)
    >>> foldwise.add(torch.tensor([[2.0, 0.0]] * 4), torch.tensor([0, 0, 0, 1]))
    >>> foldwise.pairs()["accuracy"], foldwise.pairs()["macro_f1"]
    (((1.0, 1.0), (2.0, 3.0)), ((1.0, 1.0), (1.2..., 3.0)))
    """

    def __init__(self, task: Task, samples: int, groups: Any = None, *, each: bool = False) -> None:
        self._task = task
        names, means = [measure.name for measure in task.measures], getattr(task, "means", ())
        self._means = [name for name in names if name in means]
        self._values = [name for name in names if name not in means]
        if groups is None:
            folds = (hashes(np.arange(samples)) % np.uint64(folds_for(samples))).astype(np.int64)
        else:
            folds = folds_of_groups(groups)
        self._folds = torch.from_numpy(folds)
        self._count = int(folds.max()) + 1 if groups is not None else folds_for(samples)
        self._sums: dict[str, Tensor] = {}
        self._kept = Kept()
        self._seen = 0
        self._losses: list[Tensor] | None = [] if each else None

    def add(self, outputs: Tensor, targets: Any) -> None:
        """One batch; batches come in the set's order."""
        start, self._seen = self._seen, self._seen + len(outputs)
        rows = self._task.rows(outputs, targets)
        if self._losses is not None and LOSS in rows:
            self._losses.append((rows[LOSS] / rows["count"]).float())
        found = by_fold(rows, self._folds[start : self._seen].to(outputs.device), self._count)
        self._sums = {name: self._sums[name] + value if self._sums else value for name, value in found.items()}
        if self._task.whole:
            self._kept.add(outputs, targets)

    def losses(self) -> SampleValues:
        """The mean loss of what each sample holds, by its place in the set; NaN where nothing of it counts."""
        values = torch.cat(self._losses).tolist() if self._losses else []
        return SampleValues(tuple(range(len(values))), tuple(values))

    def pairs(self) -> Pairs:
        """Of all batches; none where a fold has no sample that counts, nor of what is not finite on some fold."""
        sums = {name: value.cpu() for name, value in self._sums.items()}
        counts = sums["count"].tolist() if sums else []
        if not all(counts):
            return {}
        figures = [
            self._task.figures({name: value[fold] for name, value in sums.items()}) for fold in range(self._count)
        ]
        found: Pairs = {
            name: tuple((one[name] * count, count) for one, count in zip(figures, counts, strict=True))
            for name in self._means
        }
        for name in self._values:
            here, others = self._figure(name, figures, sums)
            if all(map(math.isfinite, (*here, *others))):
                found[name], found[name + OTHERS] = fold_values(here, others, counts)
        return found

    def _figure(self, name: str, figures: list[dict[str, float]], sums: Sums) -> tuple[list[float], list[float]]:
        """Values on each fold; and on all samples but each fold's, and on all."""
        if name in self._task.whole:
            chosen = [self._folds == fold for fold in range(self._count)]
            every = torch.ones_like(self._folds, dtype=torch.bool)
            return [self._whole(name, at) for at in chosen], [self._whole(name, ~at) for at in chosen] + [
                self._whole(name, every)
            ]
        return [one[name] for one in figures], [self._left(name, sums, fold) for fold in (*range(self._count), None)]

    def _left(self, name: str, sums: Sums, fold: int | None) -> float:
        """A figure on all samples but a fold's."""
        kept = [other for other in range(self._count) if other != fold]
        return self._task.figures({one: value[kept].sum(0) for one, value in sums.items()})[name]

    def _whole(self, name: str, chosen: Tensor) -> float:
        """NaN where the function wants more than a part of the samples, both classes say."""
        try:
            return self._kept.figure(name, self._task.whole[name], chosen.nonzero()[:, 0])
        except UserError:
            return math.nan

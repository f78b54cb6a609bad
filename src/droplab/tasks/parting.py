"""By what a source's samples are cut: groups or times where it says them, a stream by its order, else classes.

Those of samples in memory are known, and of data on disk those that the data set lists.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch

from droplab.data.csv import Table
from droplab.data.cuts import cut, folds
from droplab.data.given_parts import GivenParts
from droplab.data.on_disk import listed_targets
from droplab.data.samples import Samples
from droplab.data.sorts import check_one
from droplab.data.stratify import Cut, Indices
from droplab.data.tokens import Windows
from droplab.errors import DataError
from droplab.resampling import Draw
from droplab.tasks.classification import Classification
from droplab.tasks.task import Task


class Sides(NamedTuple):
    """Both sides of a cut, ascending; and how it was made."""

    taken: Indices
    left: Indices
    how: str
    """``groups``, ``times``, ``stream``, ``class`` or ``plain``."""
    across: int = 0
    """Windows before the cut that reach into what was taken; they are on neither side."""


def part(
    given: GivenParts, task: Task, rows: Indices, size: float, seed: int, purpose: Cut, draw: Draw | None = None
) -> Sides:
    """Cut some of a source's training samples; with a draw, anew or into its folds.

    Args:
        given: the source.
        task: whose classes they are cut by.
        rows: ``(N,)`` numbers of those samples.
        size: as in ``cut``.
        seed: chooses.
        purpose: what the cut is for.
        draw: as in ``droplab.data.load``.

    Raises:
        DataError: samples that cannot be cut so.
    """
    by, how = _by(given, task, rows)
    if draw is not None and "times" in by:
        draw.check_in_time(given.name)
    chosen = seed if draw is None else draw.seed(seed)
    if draw is not None and draw.folds:
        taken, left = folds(len(rows), draw.folds, seed=chosen, **by)[draw.fold]
    else:
        taken, left = cut(len(rows), size, seed=chosen, purpose=purpose, **by)
    everything = given.parts["train"]
    if how != "stream" or purpose is Cut.TRAIN or not everything.overlapping:
        return Sides(taken, left, how)
    apart = left[rows[left] + everything.overlapping < rows[taken].min()]
    if not len(apart):
        raise DataError(
            f"all windows of {given.name} before the {purpose.name.lower()} part reach into it; take shorter windows, "
            "or a longer text"
        )
    return Sides(taken, apart, how, len(left) - len(apart))


def _by(given: GivenParts, task: Task, rows: Indices) -> tuple[dict[str, Any], str]:
    everything = given.parts["train"]
    name, values = check_one(len(everything), groups=given.groups, times=given.times)
    if name:
        return {name: np.asarray(values)[rows]}, name
    if isinstance(everything, Windows):
        return {"times": rows}, "stream"
    if isinstance(everything, Samples | Table):
        targets = everything.targets
        task.check(targets, f"targets of {given.name}")
        strata = task.strata(targets)
        if strata is not None:
            return {"strata": strata.numpy()[rows]}, "class"
    listed = listed_targets(everything) if isinstance(task, Classification) else None
    if listed is None:
        return {}, "plain"
    some = torch.tensor([0, len(listed) // 2, len(listed) - 1])
    as_read = everything.take(some).targets
    agree = isinstance(as_read, torch.Tensor) and torch.equal(as_read, listed[some])
    return ({"strata": listed.numpy()[rows]}, "class") if agree else ({}, "plain")

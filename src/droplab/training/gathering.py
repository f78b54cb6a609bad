"""Figures of single validation samples, as they come in an epoch."""

from __future__ import annotations

import hashlib
import math
from typing import Any, final

import numpy as np

from droplab.errors import UserError, quote
from droplab.folds import fold_sums, hashes
from droplab.records import SampleValues
from droplab.training.by_sample import Ids, Numbers, ids_of, plain, values_of


@final
class Gathered:
    """One figure of each sample, from any number of calls of ``run.report_samples``.

    >>> gathered = Gathered("val_loss")
    >>> gathered.add([0.5, 1.5], [0, 1])
    >>> gathered.add([1.0], [2])
    >>> gathered.mean, gathered.pairs
    (1.0, ((1.0, 1.0), (2.0, 2.0)))
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._ids: list[Ids] = []
        self._values: list[Numbers] = []
        self._whole: tuple[Ids, Numbers] | None = None

    def add(self, values: Any, ids: Any) -> None:
        """Take some samples' values.

        Raises:
            UserError: ids or values are none, or not as many.
        """
        known, found = ids_of(ids), values_of(self.name, values)
        if len(known) != len(found):
            raise UserError(
                f"run.report_samples got {len(found)} values of {self.name} and {len(known)} ids; each sample has one "
                "of both"
            )
        if self._ids and isinstance(known, list) != isinstance(self._ids[0], list):
            raise UserError(
                f"run.report_samples got ids of {self.name} that are texts and ids that are whole numbers; one kind "
                "is wanted"
            )
        self._ids.append(known)
        self._values.append(found)
        self._whole = None

    def whole(self) -> tuple[Ids, Numbers]:
        """All ids and all values.

        Raises:
            UserError: a sample came twice.
        """
        if self._whole is None:
            ids: Any = [one for part in self._ids for one in part]
            if isinstance(self._ids[0], np.ndarray):
                ids = np.concatenate(self._ids)
            ordered = np.sort(hashes(ids))
            if bool((ordered[1:] == ordered[:-1]).any()):
                raise UserError(
                    f"run.report_samples got {self.name} of the sample {quote(_again(ids))} twice in one epoch; report "
                    "each sample once. Ids are of the whole validation set, not of a batch"
                )
            self._whole = ids, np.concatenate(self._values)
        return self._whole

    def __len__(self) -> int:
        return sum(map(len, self._ids))

    @property
    def mean(self) -> float:
        """Over all samples."""
        _, values = self.whole()
        return _sum(values) / len(values) if len(values) else math.nan

    @property
    def pairs(self) -> tuple[tuple[float, float], ...]:
        """Sum and count on each fold."""
        return fold_sums(*self.whole())

    @property
    def odd(self) -> str:
        """The first sample whose value is not finite, and how many there are; empty where all are finite."""
        ids, values = self.whole()
        places = np.flatnonzero(~np.isfinite(values))
        if not len(places):
            return ""
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        return f"{values[places[0]]} for the sample {quote(plain(ids[places[0]]))}{more}"

    @property
    def set_digest(self) -> str:
        """Of the samples, whatever their order."""
        return hashlib.sha256(np.sort(hashes(self.whole()[0])).tobytes()).hexdigest()[:16]

    @property
    def values(self) -> SampleValues:
        """For the ledger, in the order of the ids."""
        ids, values = self.whole()
        order = sorted(range(len(ids)), key=ids.__getitem__)
        return SampleValues(tuple(plain(ids[place]) for place in order), tuple(values[order].tolist()))


def _again(ids: Ids) -> Any:
    seen: set[Any] = set()
    for one in map(plain, ids):
        if one in seen:
            return one
        seen.add(one)
    return None  # two texts with one hash


def _sum(values: Numbers) -> float:
    """Exactly rounded, so that the samples' order is no matter; NaN and infinities as in plain addition."""
    if np.isfinite(values).all():
        return math.fsum(values.tolist())
    return float(values.sum())

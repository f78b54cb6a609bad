"""Figures of single validation samples, as they come in an epoch."""

from __future__ import annotations

import math
from typing import Any, final

import numpy as np

from droplab.errors import UserError, quote
from droplab.folds import fold_sums
from droplab.records import SampleValues
from droplab.training.by_sample import Ids, Numbers, check_kind, digest_of, ids_of, in_order, joined, plain, values_of


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
        if self._ids:
            check_kind("report_samples", self.name, known, self._ids[0])
        self._ids.append(known)
        self._values.append(found)
        self._whole = None

    def whole(self) -> tuple[Ids, Numbers]:
        """All ids and all values.

        Raises:
            UserError: a sample came twice.
        """
        if self._whole is None:
            ids = joined("report_samples", self.name, self._ids)
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
        return digest_of(self.whole()[0])

    @property
    def values(self) -> SampleValues:
        """For the ledger, in the order of the ids."""
        ids, values = self.whole()
        order = in_order(ids)
        return SampleValues(tuple(plain(ids[place]) for place in order), tuple(values[order].tolist()))


def _sum(values: Numbers) -> float:
    """Exactly rounded, so that the samples' order is no matter; NaN and infinities as in plain addition."""
    if np.isfinite(values).all():
        return math.fsum(values.tolist())
    return float(values.sum())

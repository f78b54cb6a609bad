"""Numbers of folds and samples as the ledger has them."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Sequence
from typing import final, overload

from droplab.ledger.text import to_json
from droplab.records import SampleValues

Pairs = tuple[tuple[float, float], ...]


def packed_pairs(pairs: Iterable[tuple[float, float]]) -> bytes:
    """Sum and count of each fold, one after the other.

    >>> unpacked_pairs(packed_pairs([(0.5, 2.0), (0.1, 3.0)]))
    ((0.5, 2.0), (0.1, 3.0))
    """
    return array("d", [number for pair in pairs for number in pair]).tobytes()


def unpacked_pairs(raw: bytes) -> Pairs:
    """The inverse."""
    numbers = array("d")
    numbers.frombytes(raw)
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


@final
class PackedFolds(Sequence[Pairs]):
    """Sums and counts of as many folds in every epoch, unpacked where they are asked for.

    >>> folds = PackedFolds(packed_pairs([(0.5, 2.0), (0.1, 3.0)]) * 2, 2)
    >>> len(folds), folds[1], folds == (folds[0], folds[1])
    (2, ((0.5, 2.0), (0.1, 3.0)), True)
    >>> folds
    (((0.5, 2.0), (0.1, 3.0)), ((0.5, 2.0), (0.1, 3.0)))
    """

    def __init__(self, raw: bytes, epochs: int) -> None:
        self.raw = raw
        """Float64, ``(epochs, folds, 2)``."""
        self._epochs = epochs
        self._width = len(raw) // epochs

    def __len__(self) -> int:
        return self._epochs

    @overload
    def __getitem__(self, place: int) -> Pairs: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Pairs, ...]: ...
    def __getitem__(self, place: int | slice) -> Pairs | tuple[Pairs, ...]:
        if isinstance(place, slice):
            return tuple(self[one] for one in range(*place.indices(self._epochs)))
        at = range(self._epochs)[place] * self._width
        return unpacked_pairs(self.raw[at : at + self._width])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # as a list, by its values

    def __repr__(self) -> str:
        return repr(tuple(self))


def joined(before: Sequence[Pairs], more: Sequence[Pairs]) -> Sequence[Pairs]:
    """Folds of later epochs behind those of earlier ones.

    >>> one = PackedFolds(packed_pairs([(0.5, 2.0)]), 1)
    >>> joined(one, one), joined(((),), one)
    ((((0.5, 2.0),), ((0.5, 2.0),)), ((), ((0.5, 2.0),)))
    """
    if isinstance(before, PackedFolds) and isinstance(more, PackedFolds):
        epochs = len(before) + len(more)
        if len(before.raw) * len(more) == len(more.raw) * len(before):
            return PackedFolds(before.raw + more.raw, epochs)
    return (*before, *more) if before else more


def packed_samples(samples: SampleValues) -> tuple[bytes | str, bytes]:
    """Whole numbers with 8 bytes each, or texts as JSON; and float32.

    >>> unpacked_samples(*packed_samples(SampleValues((3, -1), (0.5, 2.0))))
    SampleValues(ids=(3, -1), values=(0.5, 2.0))
    >>> unpacked_samples(*packed_samples(SampleValues(("a", "b"), (0.5, 2.0))))
    SampleValues(ids=('a', 'b'), values=(0.5, 2.0))
    """
    texts = bool(samples.ids) and isinstance(samples.ids[0], str)
    ids = to_json(samples.ids) if texts else array("q", samples.ids).tobytes()
    return ids, array("f", samples.values).tobytes()


def unpacked_samples(ids: bytes | str, values: bytes) -> SampleValues:
    """The inverse."""
    numbers, figures = array("q"), array("f")
    figures.frombytes(values)
    if isinstance(ids, str):
        return SampleValues(tuple(json.loads(ids)), tuple(figures))
    numbers.frombytes(ids)
    return SampleValues(tuple(numbers), tuple(figures))

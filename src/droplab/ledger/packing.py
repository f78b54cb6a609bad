"""Numbers of folds and samples as the ledger has them."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable

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

"""What is to be read from others' runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wanted:
    """What is to be read from others' runs."""

    measures: tuple[str, ...]
    """``NAME`` or ``NAME:higher``, as the runs call it; the first is decided on."""
    arm: str = ""
    """The field that tells arms apart, or several, separated by commas; all but the seed where absent."""
    seed: str = "seed"
    """The field of the seed."""
    baseline: str = ""
    """The arm that the others are compared with; the first where absent."""
    margin: float | None = None
    """The smallest difference that matters."""
    looks: tuple[int, ...] = ()
    """The looks that were planned; one, at all seeds, where absent."""
    epoch: str = ""
    """In a table, the column of epochs; ``epoch`` or ``step`` where absent."""

"""Names that every sink's server and file system takes."""

from __future__ import annotations

import re


def slug(text: str, most: int = 60) -> str:
    """Letters, digits, dots and dashes only; never empty.

    >>> slug("dropout 0.5"), slug("<b>"), slug("🙂")
    ('dropout-0.5', 'b', 'x')
    """
    return re.sub(r"[^\w.]+", "-", text).strip("-.")[:most] or "x"


def bin_edges(low: float, high: float, bins: int) -> list[float]:
    """The edges of equal bins, the last one exact.

    >>> bin_edges(0.0, 1.0, 4)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    return [low + (high - low) * place / bins for place in range(bins)] + [high]

"""Names that every sink's server and file system takes."""

from __future__ import annotations

import re

from droplab.measures import PARTS


def slug(text: str, most: int = 60) -> str:
    """Letters, digits, dots and dashes only; never empty.

    >>> slug("dropout 0.5"), slug("<b>"), slug("🙂")
    ('dropout-0.5', 'b', 'x')
    """
    return re.sub(r"[^\w.]+", "-", text).strip("-.")[:most] or "x"


def grouped(name: str) -> str:
    """A metric's name as tools group metrics: by what stands before the slash.

    >>> grouped("val_loss"), grouped("fit_loss"), grouped("gap"), grouped("grad_norm/fc1.weight")
    ('val/loss', 'fit/loss', 'gap', 'grad_norm/fc1.weight')
    """
    part, _, rest = name.partition("_")
    return f"{part}/{rest}" if part in PARTS and rest else name


def bin_edges(low: float, high: float, bins: int) -> list[float]:
    """The edges of equal bins, the last one exact.

    >>> bin_edges(0.0, 1.0, 4)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    return [low + (high - low) * place / bins for place in range(bins)] + [high]

"""What is wrong with a number as a drop rate; no torch."""

from __future__ import annotations

from typing import Any


def not_a_rate(p: Any) -> str:
    """What is said of a number that is no drop rate; nothing of one that is.

    >>> not_a_rate(1.5), not_a_rate("x"), not_a_rate(0.5)
    ('dropout probability has to be between 0 and 1, but got 1.5', \
"dropout probability has to be a number between 0 and 1, but got 'x'", '')
    """
    try:
        fine = 0.0 <= p <= 1.0
    except TypeError:
        return f"dropout probability has to be a number between 0 and 1, but got {p!r}"
    return "" if fine else f"dropout probability has to be between 0 and 1, but got {p}"

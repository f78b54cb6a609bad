"""DL014: the measured rate is not the nominal one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from droplab.auditing.executed import Finding, Subject
from droplab.auditing.merging import key_of
from droplab.auditing.naming import named

_NATS = 20.0
"""By Chernoff's bound a right mask is taken for a wrong one less than once in 2.4e8."""
_ROUNDED = 2**-16
"""Rates of 16 bits."""


def check(subject: Subject) -> Iterator[Finding]:
    """Dropout whose share of dropped units cannot be by chance, given its rate and how many numbers were drawn.

    The rate of a class that is called after dropout is its ``p``, ``drop_prob``, …; of another call, what it was called
    with.
    """
    owners = {key_of(call): call.owner for call in subject.train.calls}
    for one in subject.executed:
        owner = owners.get((one.module, one.function, one.place))
        nominal = _nominal(owner) if owner is not None and one.function.startswith(("torch.", "Tensor.")) else None
        p = one.p if nominal is None else nominal
        if p is None or one.share is None or not one.drops or not one.in_train or not _independent(one.function):
            continue
        if abs(one.share - p) > _ROUNDED and one.drawn * divergence(one.share, p) > _NATS:
            yield Finding("DL014", named(one), one.place, {"p": f"{p:g}", "share": f"{one.share:.3f}"})


def divergence(share: float, p: float) -> float:
    """Of a coin with one rate from a coin with another (Kullback and Leibler), in nats.

    >>> divergence(0.5, 0.5), round(divergence(0.1, 0.2), 4), divergence(0.5, 1.0)
    (0.0, 0.0367, inf)
    """
    total = 0.0
    for mine, theirs in ((share, p), (1 - share, 1 - p)):
        if mine > 0:
            total += mine * math.log(mine / theirs) if theirs > 0 else math.inf
    return total


def _independent(function: str) -> bool:
    """Whether its masks were counted number by number; of droplab's layers only one kind drops unit by unit."""
    return not function.startswith("droplab.") or function == "droplab.nn.Dropout"


def _nominal(owner: Any) -> float | None:
    if "drop" not in type(owner).__name__.lower() and "depth" not in type(owner).__name__.lower():
        return None
    for name in ("p", "drop_prob", "drop_rate", "rate"):
        value = getattr(owner, name, None)
        if isinstance(value, float) and 0 <= value <= 1:
            return value
    return None

"""DL014: the measured rate is not the nominal one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from droplab.audit.executed import Finding, Subject
from droplab.audit.merging import key_of
from droplab.audit.naming import named

_SIGMAS = 5.5
_ROUNDED = 2**-16
"""Rates of 16 bits."""


def check(subject: Subject) -> Iterator[Finding]:
    """Dropout whose share of dropped units is far from its rate: by 5.5 standard deviations, given how many were drawn.

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
        wide = _SIGMAS * math.sqrt(max(p * (1 - p), _ROUNDED) / one.drawn) + _ROUNDED
        if abs(one.share - p) > wide + 1 / one.drawn:
            yield Finding("DL014", named(one), one.place, {"p": f"{p:g}", "share": f"{one.share:.3f}"})


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

"""Types of parameters that several schedules share."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field

Share = Annotated[float, Field(ge=0.0, le=1.0)]
"""A share of training, of ``p``, or of anything else, in [0, 1]."""
SomeShare = Annotated[float, Field(gt=0.0, le=1.0)]
"""A share that is not 0."""


def _ascending(values: tuple[float, ...]) -> tuple[float, ...]:
    if any(after <= before for before, after in pairwise(values)):
        raise ValueError(f"each place must lie after the one before it; got {list(values)}")
    return values


Places = Annotated[tuple[Share, ...], Field(min_length=1), AfterValidator(_ascending)]
"""Shares of training in ascending order."""

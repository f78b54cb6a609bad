"""Seeds as a spec may say them: ``5`` means 0 to 4."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

MOST_SEEDS = 10_000


def _seed_list(value: Any) -> Any:
    """``5`` means seeds 0 to 4."""
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise ValueError("at least one seed is wanted")
        if value > MOST_SEEDS:
            raise ValueError(
                f"{value} means the seeds 0 to {value - 1}, and {MOST_SEEDS} is the most; write [{value}] for one seed"
            )
        return tuple(range(value))
    return value


Seeds = Annotated[
    tuple[Annotated[int, Field(ge=0, lt=2**31)], ...],
    BeforeValidator(_seed_list),
    Field(min_length=1, max_length=MOST_SEEDS),
]

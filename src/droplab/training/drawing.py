"""Training and validation samples for a loop of the user's own: one split for all seeds, or each seed's own."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from droplab.data.cuts import cut, folds
from droplab.errors import UserError, quote
from droplab.resampling import NOTICE, Resample, draw_of
from droplab.training.once import Once


class Drawn(NamedTuple):
    """Indices of both sides, ascending."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]


def drawn(
    resample: Resample,
    seed: int,
    count: int,
    size: float,
    by: dict[str, Any],
    once: Once,
) -> Drawn:
    """See ``Run.split``.

    Raises:
        UserError: no number of samples.
        DataError: a size that leaves a side empty, or no such split.
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 2:
        raise UserError(f"run.split got {quote(count)}; a number of samples from 2 is wanted, such as len(dataset)")
    draw = draw_of(resample, seed)
    if draw is not None and by.get("times") is not None:
        draw.check_in_time("run.split(…, times=…)")
    chosen = 0 if draw is None else draw.seed(0)
    if draw is not None and draw.folds:
        parting = folds(count, draw.folds, seed=chosen, **by)[draw.fold]
    else:
        parting = cut(count, size, seed=chosen, **by)
    if draw is not None:
        once.tell(NOTICE, {"validation": len(parting.taken), "training": len(parting.left)})
    return Drawn(parting.left, parting.taken)

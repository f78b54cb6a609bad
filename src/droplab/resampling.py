"""Which split of training and validation samples a seed draws, where each draws its own.

``resample = true``: every seed cuts anew. ``resample = "5-fold"``: seed s validates on fold s mod 5 of repeat s // 5,
and trains on the other four. Arms of one seed have one split. The test part is cut before, and is the same for all.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, NamedTuple

from droplab.errors import DataError, quote

NOTICE = "split_drawn"
"""The code of a run's notice of how many samples it validates on, and how many others there are."""
Resample = bool | str
"""``False``, ``True``, or a text as ``5-fold``."""


class Draw(NamedTuple):
    """One split among those that could be."""

    repeat: int
    """Chooses; 0 or larger."""
    fold: int = 0
    folds: int = 0
    """0: a share is cut, whose size is said elsewhere."""

    def seed(self, split_seed: int) -> int:
        """What chooses the samples, 63 bits.

        >>> Draw(1).seed(0) != Draw(2).seed(0), Draw(1, 0, 5).seed(0) == Draw(1, 4, 5).seed(0)
        (True, True)
        """
        digest = hashlib.blake2b(f"droplab draw {split_seed} {self.repeat}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "little") >> 1

    def check_in_time(self, name: str) -> None:
        """Raise ``DataError`` where a cut by time would be the one that another seed has."""
        if not self.folds:
            raise DataError(
                f"{name} is cut by time, the latest samples validate, so that every seed would draw the same split; "
                'take folds in time, resample = "5-fold", or resample = false'
            )
        if self.repeat:
            raise DataError(
                f"{name} is cut by time, of which there are {self.folds} folds and no second draw; take the seeds 0 to "
                f"{self.folds - 1}"
            )


def normal_form(value: Any) -> Resample:
    """As a spec keeps it.

    Raises:
        ValueError: neither yes, no, nor a number of folds.

    >>> normal_form("5 folds"), normal_form(True)
    ('5-fold', True)
    """
    if isinstance(value, bool):
        return value
    found = re.fullmatch(r"(\d{1,4})[- ]folds?", value.strip()) if isinstance(value, str) else None
    if found is None or int(found[1]) < 2:
        raise ValueError(f'got {quote(value)}; true, false, or a number of folds from 2 as "5-fold" is wanted')
    return f"{int(found[1])}-fold"


def folds_of(resample: Resample) -> int:
    """How many folds; 0 where a share is cut, or nothing is drawn.

    >>> folds_of("5-fold"), folds_of(True)
    (5, 0)
    """
    return int(resample.partition("-")[0]) if isinstance(resample, str) else 0


def draw_of(resample: Resample, seed: int) -> Draw | None:
    """A seed's draw; ``None`` where all seeds have one split.

    >>> draw_of("5-fold", 7), draw_of(True, 7), draw_of(False, 7)
    (Draw(repeat=1, fold=2, folds=5), Draw(repeat=7, fold=0, folds=0), None)
    """
    if not resample:
        return None
    folds = folds_of(resample)
    return Draw(seed // folds, seed % folds, folds) if folds else Draw(seed)

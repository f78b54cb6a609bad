"""Which samples go to which side: plain, by class, by group, by time; once, or in folds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from droplab.data.sorts import check_one, numbered
from droplab.data.stratify import Cut, Indices, shares, shuffled
from droplab.errors import DataError, quote

_BITS = 2**28
"""Sums of groups are searched whole up to this many bits; beyond, groups are taken as they fit."""


class Parting(NamedTuple):
    """Both sides of a cut, ascending."""

    taken: Indices
    left: Indices


def cut(
    count: int,
    size: float,
    *,
    strata: Any = None,
    groups: Any = None,
    times: Any = None,
    seed: int = 0,
    purpose: Cut = Cut.VALIDATION,
) -> Parting:
    """Take a share of samples; the same arguments give the same samples everywhere.

    Args:
        count: how many samples there are.
        size: how many to take: a count, or a fraction between 0 and 1.
        strata: ``(count,)`` classes; each gives its share, and sizes are exact.
        groups: ``(count,)`` of anything that can be compared (patients, users); no group is on both sides, and the size
            is the nearest that whole groups can give.
        times: ``(count,)``; the latest are taken. Samples of one moment stay together.
        seed: chooses; 0 or larger. Time needs no choice.
        purpose: cuts of another purpose choose apart from this one.

    Raises:
        DataError: a size that leaves one side empty, or more than one of strata, groups and times.

    >>> len(cut(6, 2, groups=["a", "a", "b", "b", "c", "c"]).taken)
    2
    >>> cut(5, 0.4, times=[3, 1, 5, 2, 4])
    Parting(taken=array([2, 4]), left=array([0, 1, 3]))
    """
    wanted = _size(count, size)
    name, values = check_one(count, strata=strata, groups=groups, times=times)
    every = np.arange(count, dtype=np.int64)
    if name == "times":
        taken = _latest(numbered("times", values), wanted)
    elif name == "groups":
        taken = _groups(numbered("groups", values), wanted, seed, purpose)
    elif name == "strata":
        taken = _stratified(numbered("strata", values), wanted, seed, purpose)
    else:
        taken = np.sort(shuffled(count, seed, purpose, 0)[:wanted])
    return Parting(taken, np.setdiff1d(every, taken, assume_unique=True))


def folds(
    count: int, number: int, *, strata: Any = None, groups: Any = None, times: Any = None, seed: int = 0
) -> list[Parting]:
    """Folds of a cross-validation: ``taken`` validates, ``left`` trains.

    Every sample validates once; with ``times``, fold k validates the k-th stretch of time after the first and trains on
    all that is earlier, so that the first stretch only trains.

    Args:
        count: how many samples there are.
        number: of folds, 2 or more.
        strata: as in ``cut``; each class is spread evenly, within one sample.
        groups: as in ``cut``; the folds are as even as whole groups allow, taken largest first.
        times: as in ``cut``.
        seed: chooses; 0 or larger.

    Raises:
        DataError: fewer samples, groups or moments than folds, so that one would be empty.

    >>> [fold.taken.tolist() for fold in folds(5, 2, times=[0, 1, 2, 3, 4])]
    [[2], [3, 4]]
    """
    if isinstance(number, bool) or not isinstance(number, int) or number < 2:
        raise DataError(f"folds arrived as {quote(number)}; wanted a number of 2 or more")
    name, values = check_one(count, strata=strata, groups=groups, times=times)
    if name == "times":
        return _stretches(numbered("times", values), number)
    if name == "groups":
        of = _dealt_groups(numbered("groups", values), number, seed)
    else:
        kinds = numbered("strata", values) if name else np.zeros(count, np.int64)
        if count < number:
            raise DataError(f"{number} folds of {count} samples leave one empty; ask for {count} at most")
        of = _dealt(kinds, number, seed)
    return [Parting(np.flatnonzero(of == fold), np.flatnonzero(of != fold)) for fold in range(number)]


def check_apart(name: str, groups: Any, other: str, others: Any) -> None:
    """See that no group is in both of two parts.

    Raises:
        DataError: one is.

    >>> check_apart("train", ["ann", "bob"], "validation", ["bob"])
    Traceback (most recent call last):
    droplab.errors.DataError: group 'bob' is in train and in validation (so are 0 others); wanted each on one \
side: let droplab cut the parts by groups, or move its samples
    """
    both = sorted(set(np.asarray(groups).tolist()) & set(np.asarray(others).tolist()), key=str)
    if both:
        raise DataError(
            f"group {quote(both[0])} is in {name} and in {other} (so are {len(both) - 1:,} others); wanted each on one "
            "side: let droplab cut the parts by groups, or move its samples"
        )


def _size(count: int, asked: float) -> int:
    if isinstance(asked, bool) or not isinstance(asked, int | float):
        raise DataError(f"a size arrived as {quote(asked)}; wanted a count, or a fraction between 0 and 1")
    if isinstance(asked, float) and not 0 < asked < 1:
        raise DataError(f"a size arrived as {asked!r}; a fraction lies between 0 and 1, a count has no point")
    wanted = max(1, round(asked * count)) if isinstance(asked, float) else asked
    if not 0 < wanted < count:
        raise DataError(f"{wanted:,} of {count:,} samples were asked for, which leaves one side empty; ask for fewer")
    return wanted


def _stratified(kinds: Indices, wanted: int, seed: int, purpose: Cut) -> Indices:
    counts = np.bincount(kinds)
    picked = []
    for kind, share in enumerate(shares(counts, wanted)):
        members = np.flatnonzero(kinds == kind)
        picked.append(members[shuffled(len(members), seed, purpose, kind)[:share]])
    return np.sort(np.concatenate(picked))


def _latest(moments: Indices, wanted: int) -> Indices:
    """The latest moments whose samples come nearest to what is wanted; neither none nor all."""
    counts = np.bincount(moments)
    if len(counts) < 2:
        raise DataError("all samples are of one moment, which cannot be cut by time; cut them plainly")
    after = np.cumsum(counts[::-1])[:-1]
    moments_taken = int(np.abs(after - wanted).argmin()) + 1
    return np.flatnonzero(moments >= len(counts) - moments_taken)


def _groups(groups: Indices, wanted: int, seed: int, purpose: Cut) -> Indices:
    sizes = np.bincount(groups)
    if len(sizes) < 2:
        raise DataError("all samples are of one group, which cannot be on both sides; cut them plainly")
    order = shuffled(len(sizes), seed, purpose, 0)
    chosen = _nearest(sizes[order].tolist(), wanted)
    return np.flatnonzero(np.isin(groups, order[chosen]))


def _nearest(sizes: list[int], wanted: int) -> list[int]:
    """Places of groups whose sizes add up as near to ``wanted`` as any do; neither none nor all.

    A whole number has bit s set where some of the groups seen so far add up to s.
    """
    total, most = sum(sizes), wanted + max(sizes)
    if len(sizes) * most > _BITS:
        return _as_they_fit(sizes, wanted)
    reached, mask = [1], (1 << (most + 1)) - 1
    for size in sizes:
        reached.append((reached[-1] | reached[-1] << size) & mask)
    possible = (s for d in range(total + 1) for s in (wanted - d, wanted + d))
    at = next(s for s in possible if 0 < s < total and s <= most and reached[-1] >> s & 1)
    chosen = []
    for place in range(len(sizes) - 1, -1, -1):
        if not reached[place] >> at & 1:
            chosen.append(place)
            at -= sizes[place]
    return chosen


def _as_they_fit(sizes: list[int], wanted: int) -> list[int]:
    chosen, room = [], wanted
    for place, size in enumerate(sizes):
        if size <= room:
            chosen.append(place)
            room -= size
    return chosen or [min(range(len(sizes)), key=sizes.__getitem__)]


def _dealt(kinds: Indices, number: int, seed: int) -> NDArray[np.int64]:
    """Class after class, dealt like cards: every class and all together are even within one sample."""
    turn = [
        np.flatnonzero(kinds == kind)[shuffled(int((kinds == kind).sum()), seed, Cut.VALIDATION, int(kind))]
        for kind in np.unique(kinds)
    ]
    of = np.empty(len(kinds), np.int64)
    of[np.concatenate(turn)] = np.arange(len(kinds)) % number
    return of


def _dealt_groups(groups: Indices, number: int, seed: int) -> NDArray[np.int64]:
    sizes = np.bincount(groups)
    if len(sizes) < number:
        raise DataError(f"{number} folds of {len(sizes)} groups leave one empty; ask for {len(sizes)} at most")
    order = shuffled(len(sizes), seed, Cut.VALIDATION, 0)
    order = order[np.argsort(-sizes[order], kind="stable")]
    room, of = np.zeros(number, np.int64), np.empty(len(sizes), np.int64)
    for group in order:
        of[group] = room.argmin()
        room[of[group]] += sizes[group]
    return of[groups]


def _stretches(moments: Indices, number: int) -> list[Parting]:
    counts = np.bincount(moments)
    if len(counts) <= number:
        raise DataError(
            f"{number} folds in time want {number + 1} moments at least, the first to train on; there are {len(counts)}"
        )
    middle = np.cumsum(counts) - counts / 2
    of = np.minimum(middle * (number + 1) // len(moments), number).astype(np.int64)
    if len(np.unique(of)) <= number:  # some moment has more samples than a stretch
        of = np.arange(len(counts)) * (number + 1) // len(counts)
    stretch = of[moments]
    return [Parting(np.flatnonzero(stretch == k), np.flatnonzero(stretch < k)) for k in range(1, number + 1)]

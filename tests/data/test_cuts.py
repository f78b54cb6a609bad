"""Laws of cuts and folds: nothing is lost, nothing is on both sides, shares are as asked."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from droplab.data import check_apart, cut, folds
from droplab.data.cuts import _as_they_fit
from droplab.errors import DataError

SOME = settings(max_examples=60, deadline=None)
LABELS = st.lists(st.integers(0, 4), min_size=2, max_size=60)


def sides(parting, count):
    """Checks what every cut keeps, and gives both sides as sets."""
    taken, left = parting.taken.tolist(), parting.left.tolist()
    assert taken == sorted(taken)
    assert left == sorted(left)
    assert sorted(taken + left) == list(range(count)), "every sample once"
    assert taken
    assert left
    return set(taken), set(left)


@SOME
@given(LABELS, st.data())
def test_shares_of_classes_are_as_asked_within_one_sample(labels, data):
    size = data.draw(st.integers(1, len(labels) - 1))
    for strata in (None, labels):
        parting = cut(len(labels), size, strata=strata, seed=3)
        taken, _ = sides(parting, len(labels))
        assert len(taken) == size
    for label in set(labels):
        share = labels.count(label) * size / len(labels)
        assert abs(sum(labels[at] == label for at in taken) - share) < 1


@SOME
@given(st.lists(st.integers(0, 6), min_size=2, max_size=40).filter(lambda g: len(set(g)) > 1), st.data())
def test_no_group_is_on_both_sides_and_no_choice_of_groups_is_nearer(groups, data):
    size = data.draw(st.integers(1, len(groups) - 1))
    taken, left = sides(cut(len(groups), size, groups=groups, seed=1), len(groups))
    assert not {groups[at] for at in taken} & {groups[at] for at in left}
    kinds = sorted(set(groups))
    sizes = [
        sum(groups.count(kind) for kind in chosen)
        for number in range(1, len(kinds))
        for chosen in combinations(kinds, number)
    ]
    assert abs(len(taken) - size) == min(abs(other - size) for other in sizes)


@SOME
@given(st.lists(st.integers(0, 30), min_size=2, max_size=40).filter(lambda t: len(set(t)) > 1), st.data())
def test_all_that_validates_is_later_than_all_that_trains(times, data):
    size = data.draw(st.integers(1, len(times) - 1))
    taken, left = sides(cut(len(times), size, times=times), len(times))
    assert max(times[at] for at in left) < min(times[at] for at in taken)
    if len(set(times)) == len(times):
        assert len(taken) == size


@SOME
@given(LABELS, st.integers(2, 5))
def test_folds_of_classes(labels, number):
    if len(labels) < number:
        with pytest.raises(DataError, match="leave one empty"):
            folds(len(labels), number)
        return
    for strata in (None, labels):
        found = folds(len(labels), number, strata=strata, seed=2)
        validated = [sides(fold, len(labels))[0] for fold in found]
        assert sorted(at for fold in validated for at in fold) == list(range(len(labels)))
        assert max(map(len, validated)) - min(map(len, validated)) <= 1
    for label in set(labels):
        counts = [sum(labels[at] == label for at in fold) for fold in validated]
        assert max(counts) - min(counts) <= 1


@SOME
@given(st.lists(st.integers(0, 9), min_size=2, max_size=40), st.integers(2, 4))
def test_folds_of_groups_and_of_time(values, number):
    kinds = len(set(values))
    if kinds < number:
        with pytest.raises(DataError, match="leave one empty"):
            folds(len(values), number, groups=values)
    else:
        found = folds(len(values), number, groups=values)
        assert sorted(at for fold in found for at in sides(fold, len(values))[0]) == list(range(len(values)))
        for fold in found:
            assert not {values[at] for at in fold.taken} & {values[at] for at in fold.left}
    if kinds <= number:
        with pytest.raises(DataError, match="moments at least"):
            folds(len(values), number, times=values)
        return
    for fold in folds(len(values), number, times=values):
        assert max(values[at] for at in fold.left) < min(values[at] for at in fold.taken)


def test_the_same_arguments_choose_the_same_and_another_seed_others():
    users = [f"user {at // 3}" for at in range(60)]
    for given_ in ({}, {"groups": users}, {"strata": np.arange(60) % 3}):
        first, again, other = (cut(60, 0.2, seed=seed, **given_).taken.tolist() for seed in (0, 0, 1))
        assert first == again != other


def test_groups_as_they_fit_leave_less_room_than_the_smallest_that_is_left():
    """What is done where all sums of groups would be too many."""
    sizes = [9, 5, 7, 3, 8]
    chosen = _as_they_fit(sizes, 20)
    room = 20 - sum(sizes[at] for at in chosen)
    assert 0 <= room < min(size for at, size in enumerate(sizes) if at not in chosen)
    assert _as_they_fit([9, 5], 2) == [1]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: cut(5, 5), "leaves one side empty"),
        (lambda: cut(5, 1.5), "between 0 and 1"),
        (lambda: cut(5, True), "wanted a count"),
        (lambda: cut(5, 2, groups=[1, 1, 1, 1, 1]), "all samples are of one group"),
        (lambda: cut(5, 2, times=[1] * 5), "of one moment"),
        (lambda: cut(5, 2, groups=[1, 2]), "groups has 2 values for 5 samples"),
        (lambda: cut(2, 1, groups=[1, 2], strata=[0, 1]), "strata and groups were given"),
        (lambda: cut(2, 1, times=[1.0, float("nan")]), "times hold NaN, first in sample 1"),
        (lambda: cut(2, 1, times=np.array(["2024-01-01", "NaT"], "M8[D]")), "no time in sample 1"),
        (lambda: cut(2, 1, groups=[[1], [2]]), "one value for each sample"),
        (lambda: folds(5, 1), "2 or more"),
        (lambda: check_apart("train", [1, 2], "validation", [2, 3]), "group 2 is in train and in validation"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_cut(act, words):
    with pytest.raises(DataError, match=words):
        act()

"""Splits that each seed draws for itself."""

import numpy as np
import pytest
import torch

from droplab.data import load
from droplab.data.assemble import as_split
from droplab.errors import DataError
from droplab.resampling import Draw, draw_of, normal_form
from droplab.tasks.classification import Classification
from droplab.tasks.split import load_split

X = torch.arange(300, dtype=torch.float32)[:, None]
Y = torch.arange(300) % 3


def ids(part):
    return set(part.inputs[:, 0].int().tolist())


def grouped():
    return {"train": (X, Y), "groups": (torch.arange(300) // 10).tolist(), "classes": 3}


def timed():
    return {"train": (X, Y), "times": list(range(300)), "classes": 3}


def drawn(source, resample, seed, **sizes):
    name = f"{__name__}:{source.__name__}"
    return load_split(name, Classification(), draw=draw_of(resample, seed), **sizes)


def test_folds_of_a_repeat_are_all_samples_once_and_the_test_part_is_none_of_them():
    folds = [load("fashion-mnist-mini", draw=Draw(1, fold, 4)) for fold in range(4)]
    base = load("fashion-mnist-mini")
    assert all(torch.equal(one.test.open().images, base.test.open().images) for one in folds)
    sizes = [len(one.validation) for one in folds]
    assert sum(sizes) == len(base.train) + len(base.validation) == sizes[0] + folds[0].trainable
    counts = torch.stack([torch.bincount(one.validation.labels) for one in folds])
    assert int((counts.amax(0) - counts.amin(0)).max()) <= 1
    assert len({one.fingerprint for one in folds}) == 4


def test_seeds_draw_apart_and_the_same_again():
    first, again, other = (load("fashion-mnist-mini", train_size=100, draw=draw_of(True, seed)) for seed in (0, 0, 1))
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert len(first.train) == 100
    assert first.trainable + len(first.validation) == other.trainable + len(other.validation)


def test_no_group_is_on_both_sides_and_folds_hold_each_once():
    seen = []
    for seed in range(5):
        split = drawn(grouped, "5-fold", seed)
        train, validation = ids(split.train), ids(split.validation)
        assert not {one // 10 for one in train} & {one // 10 for one in validation}
        seen += sorted(validation)
    assert len(seen) == len(set(seen)) == 270
    assert ids(drawn(grouped, True, 0).validation) != ids(drawn(grouped, True, 1).validation)
    assert ids(drawn(grouped, True, 0).test.open()) == ids(drawn(grouped, "5-fold", 7).test.open())


def test_in_time_there_are_folds_and_no_second_draw():
    for seed in range(3):
        split = drawn(timed, "3-fold", seed)
        assert max(ids(split.train)) < min(ids(split.validation))
        assert max(ids(split.validation)) < min(ids(split.test.open()))
    with pytest.raises(DataError, match="every seed would draw the same"):
        drawn(timed, True, 0)
    with pytest.raises(DataError, match="take the seeds 0 to 2"):
        drawn(timed, "3-fold", 3)


def test_data_with_a_validation_part_of_their_own_are_not_drawn_from():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 4)).astype(np.float32), np.arange(60) % 3
    from droplab.data.assemble import assemble, to_part
    from droplab.data.split import split as cut

    source = assemble("own", {"train": to_part("train", (x, y)), "validation": to_part("validation", (x, y))})
    assert len(as_split("own", (x, y), (x, y)).validation) == 60
    with pytest.raises(DataError, match="Leave resample out"):
        cut(source, draw=Draw(0))


@pytest.mark.parametrize("value", ["1-fold", "folds", 5, None, "5-fold-2"])
def test_what_is_no_way_to_draw(value):
    with pytest.raises(ValueError, match="number of folds from 2"):
        normal_form(value)

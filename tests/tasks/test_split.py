"""From what a spec's data name gives to parts: what is refused, what is converted, and that nothing leaks across."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, Subset

from droplab.data import LazySamples, Windows, cut
from droplab.data.on_disk import listed_targets
from droplab.data.picked import Picked
from droplab.errors import DataError, ModelError
from droplab.resampling import Draw
from droplab.tasks import Classification, Multilabel, NextToken, Regression, Segmentation
from droplab.tasks.split import load_split
from tests.tasks.test_figures import draw

X = np.random.default_rng(0).normal(size=(60, 3))
Y = np.arange(60) % 2
GIVEN = []


def given():
    return GIVEN[-1]


def split(task, data, **options):
    GIVEN.append(data)
    return load_split(f"{__name__}:given", task, **options)


class Listed(Dataset):
    """As torchvision's: all targets are listed; a class in a hundred, at 0 and at 7, not among those looked at."""

    def __init__(self, size=600):
        self.targets = [int(at == 0) + 2 * int(at == 7) for at in range(size)]

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, at):
        return torch.full((2,), float(at)), self.targets[at]


@pytest.mark.parametrize(
    ("task", "data", "words"),
    [
        (Classification(), {"train": (X, Y), "groups": Y, "times": Y}, "groups and times were given"),
        (Classification(), {"train": (X, Y), "groups": [*Y, 1]}, "groups has 61 values for 60 samples"),
        (Classification(), {"train": (X, Y), "times": Y[1:]}, "times has 59 values for 60 samples"),
        (Classification(), {"train": (X, Y), "validation": (X[:2], [0, -100])}, "validation hold -100"),
        (Classification(), {"train": (X, Y), "validation": (X[:2], [0, 0.5])}, "validation arrived as torch.float32"),
        (Classification(), {"train": (X, Y), "test": (X[:2], [0, -1])}, "test hold -1"),
        (Multilabel(), {"train": (X, X > 0), "validation": (X[:2], np.full((2, 3), 3))}, "validation hold 3"),
        (
            Multilabel(),
            {"train": (X, X > 0), "validation": (X[:2], X[:2, :1] > 0)},
            r"\(N, 1\) and those of train \(N, 3\)",
        ),
        (Regression(), {"train": (X, X), "validation": (X[:2], X[:2, :2])}, r"\(N, 2\) and those of train \(N, 3\)"),
        (
            Segmentation(ignore_index=9),
            {"train": (X, np.ones((60, 2, 2), int)), "validation": (X[:1], np.full((1, 2, 2), 9))},
            "validation are all 9",
        ),
        (
            NextToken(vocabulary=5),
            {"train": (X, Y[:, None] + [[0, 1]]), "test": (X[:1], [[1, 7]])},
            "test hold token 7",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_told_of_every_part(task, data, words):
    with pytest.raises(DataError, match=words):
        split(task, data)


def test_a_part_that_is_measured_on_need_not_vary():
    assert len(split(Regression(), {"train": (X, X[:, 0]), "validation": (X[:2], [1.0, 1.0])}).validation) == 2
    assert len(split(Classification(), {"train": (X, Y), "validation": (X[:2], [0, 0])}).validation) == 2


@pytest.mark.parametrize(("length", "stride", "lost"), [(32, None, 0), (32, 32, 0), (32, 8, 3), (32, 1, 31), (4, 9, 0)])
@pytest.mark.parametrize("resample", [None, "fold"])
def test_no_token_is_predicted_on_both_sides_of_a_cut(length, stride, lost, resample):
    drawn = Draw(0, 1, 2) if resample else None
    found = split(NextToken(vocabulary=1200), {"train": Windows(np.arange(1200), length, stride)}, draw=drawn)
    parts = [part.take(torch.arange(len(part))).targets for part in (found.train, found.validation, found.test.open())]
    for before, after in pairwise(parts):
        assert before.max() < after.min()
    notices = {one.code: one.detail for one in found.notices}
    assert notices.get("across_the_cut", {"count": 0})["count"] == 2 * lost


def test_windows_that_all_reach_across_are_refused():
    with pytest.raises(DataError, match="before the test part reach into it"):
        split(NextToken(), {"train": Windows(np.arange(120), 80, 1)})


@pytest.mark.parametrize("kind", ["uint8", "bool"])
def test_small_integers_are_classes_too(kind):
    """Labels and masks as image files have them."""
    labels = split(Classification(), (X, Y.astype(kind))).train
    assert (labels.targets.dtype, labels.targets.tolist()) == (
        torch.int64,
        split(Classification(), (X, Y)).train.targets.tolist(),
    )
    masks = (draw(4, 5, 5) > 0).numpy()
    small, large = (
        split(Segmentation(), (X[:4], masks.astype(one)), validation_size=1).train.targets for one in (kind, "int64")
    )
    assert small.element_size() == 1, "memory is kept"
    task, outputs = Segmentation(), draw(len(large), 2, 5, 5)
    assert task.figures(task.totals(outputs, small)) == task.figures(task.totals(outputs, large))
    assert task.loss(outputs, small) == task.loss(outputs, large)
    assert torch.equal(task.guess(small), task.guess(large))
    assert task.sketches(outputs, small) == task.sketches(outputs, large)
    ignoring = Segmentation(ignore_index=1)
    assert ignoring.sketches(outputs, small) == ignoring.sketches(outputs, large), "-1 is no uint8"


@pytest.mark.parametrize("kind", ["uint8", "int64", "float64"])
def test_pixels_are_scaled_whatever_type_they_have(kind):
    images = np.tile(np.array([0, 255]), (60, 1, 2, 1)).astype(kind)
    assert split(Classification(), (images, Y), pixels=True).train.inputs.unique().tolist() == [-1, 1]
    with pytest.raises(DataError, match=r"were called pixels and lie in 0\.\.25\.5"):
        split(Classification(), (images / 10, Y), pixels=True)


class Images(Dataset):
    def __init__(self, kind):
        self.kind = kind

    def __len__(self):
        return 60

    def __getitem__(self, at):
        return np.full((1, 2, 2), 255).astype(self.kind), np.int32(at % 2)


def test_pixels_of_a_data_set():
    found = split(Classification(), Images("uint8"), pixels=True).train.take(torch.arange(2))
    assert (found.inputs.unique().tolist(), found.inputs.dtype, found.targets.dtype) == (
        [1],
        torch.float32,
        torch.int64,
    )
    with pytest.raises(DataError, match=r'data\.inputs = "pixels"'):
        split(Classification(), Images("uint8"))
    with pytest.raises(DataError, match=r"were called pixels and are torch\.float32; wanted uint8"):
        split(Classification(), Images("float64"), pixels=True)
    with pytest.raises(DataError, match=r"samples of train of .* make no batch: TypeError.*ToTensor"):
        split(Classification(), Unbatchable("object"))
    with pytest.raises(DataError, match=r"samples of train of .* make no batch: RuntimeError.*Resize"):
        split(Classification(), Unbatchable("float64"))


class Unbatchable(Images):
    def __getitem__(self, at):
        return object() if self.kind == "object" else np.zeros(at % 2 + 1), 0


def test_large_samples_are_looked_at_as_memory_allows(monkeypatch):
    monkeypatch.setattr("droplab.tasks.looking._ROOM", 7 * (2 * 4 + 8))
    assert len(split(Classification(), Otherwise(40)).looked["train"]) == 7


def test_listed_targets_are_all_known():
    data = Listed()
    some = Picked(Picked(LazySamples(Subset(data, [7, 5, 0]), seed=0), torch.tensor([2, 0])), torch.tensor([1, 0, 1]))
    assert listed_targets(some).tolist() == [2, 1, 2]
    assert listed_targets(LazySamples([(torch.zeros(1), 0)], seed=0)) is None
    parts = {"train": data, "validation": Listed(9), "test": Listed(9)}
    task = Classification(class_weights="balanced")
    found = split(task, parts)
    assert torch.bincount(found.looked["train"]).tolist() == [598, 1, 1]
    wrong = Listed()
    wrong.targets = [1 - at for at in wrong.targets]
    wrong.__class__ = Otherwise
    with pytest.raises(DataError, match="512 of 600 were looked at"):
        split(task, {**parts, "train": wrong})


def test_classes_that_a_data_set_lists_give_their_shares():
    data = Listed(200)
    data.targets = [(at * 7 % 20 > 2) + (at * 7 % 20 > 9) for at in range(200)]
    found = split(Classification(), data)
    parts = [found.train, found.validation, found.test.open()]
    counts = [torch.bincount(part.take(torch.arange(len(part))).targets).tolist() for part in parts]
    assert counts == [[24, 57, 81], [3, 6, 9], [3, 7, 10]]
    assert [notice.code for notice in found.notices if notice.code.startswith("cut_")] == ["cut_class"]
    folds = [split(Classification(), data, draw=Draw(0, at, 3)).validation for at in range(3)]
    assert [torch.bincount(one.take(torch.arange(len(one))).targets).tolist() for one in folds] == [[9, 21, 30]] * 3
    assert "cut_plain" in [notice.code for notice in split(Classification(), Otherwise(200)).notices]


class Otherwise(Listed):
    """Gives other targets than it lists."""

    def __getitem__(self, at):
        return torch.full((2,), float(at)), int(at % 3)


def test_whole_numbers_that_are_listed_are_no_outputs_of_a_regression():
    class Ages(Listed):
        def __getitem__(self, at):
            return torch.full((2,), float(at)), float(at)

    assert split(Regression(), Ages()).classes == 1
    assert load_split("fashion-mnist-mini", Regression(), train_size=50).classes == 1


def test_a_class_that_training_lacks_has_no_weight_and_class_weights_fit_the_model():
    task = Classification(class_weights="balanced")
    task.check(torch.tensor([0, 0, 1]))
    outputs, targets = draw(3, 5), torch.tensor([0, 0, 1])
    two = Classification(class_weights=[0.75, 1.5, 0, 0, 0])
    assert task.loss(outputs, targets) == two.loss(outputs, targets)
    with pytest.raises(ModelError, match="class_weights has 2 numbers"):
        Classification(class_weights=[1.0, 2.0]).check_outputs(outputs, targets)


def write(path, rows):
    path.write_text("number,town,y\n" + "".join(f"{','.join(map(str, row))}\n" for row in rows), encoding="utf-8")
    return str(path)


def test_a_target_of_texts_is_no_number(tmp_path):
    """Else prices with a comma would be predicted as places in the order of letters."""
    name = write(tmp_path / "t.csv", [(at, "a", f'"{at * 731:,}"') for at in range(40)])
    with pytest.raises(DataError, match=r"holds texts, such as '1,462', and numbers.*thousands"):
        load_split(name, Regression(), options={"target": "y"})
    read = load_split(name, Regression(), options={"target": "y", "thousands": ","})
    assert set(read.train.targets.tolist()) <= {731 * at for at in range(40)}


def test_fewer_training_rows_may_be_scaled_as_more_are(tmp_path):
    """Arms of other sizes are validated on the same samples."""
    name = write(tmp_path / "t.csv", [(at**2, "abcdefgh"[at % 8], at) for at in range(80)])
    options = {"target": "y"}
    whole = load_split(name, Regression(), options=options)
    few = load_split(name, Regression(), options=options, train_size=5, scaled_by=None)
    alone = load_split(name, Regression(), options=options, train_size=5)
    table = {row: (a.tolist(), b.tolist()) for row, a, b in rows_of(whole.train)}
    assert {row: (a.tolist(), b.tolist()) for row, a, b in rows_of(few.train)}.items() <= table.items()
    assert torch.equal(alone.train.targets, few.train.targets), "the same rows"
    for part in ("numbers", "categories"):
        assert torch.equal(few.validation.inputs[part], whole.validation.inputs[part])
        assert not torch.equal(alone.validation.inputs[part], whole.validation.inputs[part])


def rows_of(samples):
    inputs = samples.inputs
    return zip(samples.targets.tolist(), inputs["numbers"], inputs["categories"], strict=True)


@pytest.mark.parametrize(
    ("times", "latest"),
    [
        (["9", "10", "8"], 1),
        (["2024-09-30", "2024-10-01 12:00", "2024-10-01"], 1),
        (np.array([9, 10, 8], dtype=object), 1),
        (np.array([9, 10, 8], "M8[D]").astype(object), 1),
    ],
    ids=["numbers", "dates", "objects", "dates as objects"],
)
def test_texts_that_are_times_are_read_as_such(times, latest):
    assert cut(3, 1, times=times).taken.tolist() == [latest]


def test_texts_whose_order_is_that_of_letters_are_no_times():
    with pytest.raises(DataError, match="texts such as '9/1/2024'"):
        cut(2, 1, times=["9/1/2024", "10/1/2024"])

"""A spec that names no task takes any data with classes, as if it had named the one for them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset, TensorDataset

import droplab
from droplab.data.beyond import MOST, is_more
from droplab.errors import DataError, DesignError, ModelError
from droplab.execution.fitting import fit_set
from droplab.spec.presets import arm_set
from droplab.spec.task import OF_ANY_DATA
from tests.execution.test_task_runs import figures

X = np.random.default_rng(0).normal(size=(120, 6)).astype("float32")
Y = (X[:, 0] > 0).astype("int64")
PAIR = (X, Y)
PLACE = "tests.execution.test_any_data:"


class Rows(Dataset):
    """Rows of ``X``; ``noise`` is drawn from a global generator, ``kind`` says how a sample looks."""

    def __init__(self, noise=0.0, kind="row", count=120):
        self.noise, self.kind, self.count = noise, kind, count

    def __len__(self):
        return self.count

    def __getitem__(self, at):
        row = torch.from_numpy(X[at % 120])
        if self.noise:
            row = row + self.noise * torch.randn(6)
        return ({"x": row} if self.kind == "nested" else row), int(Y[at % 120])


class Rare(Rows):
    """Draws for one sample in the middle."""

    def __getitem__(self, at):
        row, label = super().__getitem__(at)
        return (row + torch.randn(6) if at == 50 else row), label


MORE = {
    "groups": lambda: {"train": PAIR, "groups": np.arange(120) // 3},
    "times": lambda: {"train": PAIR, "times": np.arange(120)},
    "by name": lambda: ({"x": X}, Y),
    "several": lambda: ((X, X), Y),
    "draws": lambda: (Rows(noise=1.0), Rows(), None),
    "alone": lambda: Rows(noise=1.0),
    "workers": lambda: {"train": Rows(), "workers": 0},
    "named samples": lambda: Rows(kind="nested"),
}
PLAIN = {
    "pair": lambda: PAIR,
    "parts": lambda: (PAIR, PAIR, None),
    "rows": lambda: {"train": (list(X), list(Y))},
    "data set": Rows,
    "tensors": lambda: TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)),
    "table": lambda: {"train": PAIR, "test": PAIR, "groups": None},
}
CALLS = []


def data(kind):
    CALLS.append(kind)
    return {**MORE, **PLAIN}[kind]()


class Net(nn.Module):
    def __init__(self, shape, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, classes))

    def forward(self, x, y=None):
        return self.body(x if y is None else x + y)


def spec(kind, **changes):
    values = {
        "data": {"name": f"{PLACE}data", "options": {"kind": kind}},
        "model": {"name": f"{PLACE}Net"},
        "recipe": {"epochs": 1, "batch_size": 32, "precision": "float32", "watch_every": 0},
        "compute": {"executor": "serial", "threads": 1},
        "arms": [{"name": "none"}, {"name": "half", "p": 0.5}],
        "seeds": 1,
    }
    return {**values, **changes}


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("kind", MORE)
def test_more_than_images_and_vectors_is_read_as_if_the_task_had_been_named(kind, tmp_path):
    CALLS.clear()
    found = droplab.compare(spec(kind), out=tmp_path / "silent")
    assert len(CALLS) == 1, "the function is called once, to see what it gives and to take it"
    named = droplab.compare(spec(kind, task=OF_ANY_DATA), out=tmp_path / "named")
    assert figures(found) == figures(named)
    assert found.record.spec["task"] == OF_ANY_DATA
    CALLS.clear()
    assert figures(droplab.compare(spec(kind), out=tmp_path / "silent")) == figures(found)
    assert not CALLS, "what is finished needs no data"
    more = droplab.compare(spec(kind, seeds=2), out=tmp_path / "silent")
    assert len(more.record.runs) == 4
    assert figures(more).items() >= figures(found).items()
    with pytest.raises(DesignError, match=r"recipe\.epochs: 1 there, 2 here"):
        droplab.compare(spec(kind, recipe={**spec(kind)["recipe"], "epochs": 2}), out=tmp_path / "silent")


@pytest.mark.parametrize("kind", PLAIN)
def test_images_and_vectors_in_memory_are_what_they_were(kind, tmp_path):
    assert not is_more(data(kind))
    assert "task" not in droplab.compare(spec(kind), out=tmp_path).record.spec


def test_a_set_of_arms_is_fitted_with_data_of_any_kind():
    values, _ = fit_set({**spec("by name"), "arms": arm_set("rates")["arms"]})
    assert len(values["arms"]) > 3


def test_python_s_own_way_to_images_and_vectors_says_who_takes_the_rest():
    with pytest.raises(DataError, match=r"returned 'groups', which specs take \(droplab\.compare\)"):
        droplab.data.load(f"{PLACE}data", options={"kind": "groups"})


def test_what_is_larger_than_memory_should_hold_stays_on_disk():
    fits = MOST // (6 * 4)
    assert not is_more(Rows(count=fits))
    assert is_more(Rows(count=fits + 1))
    assert is_more((Rows(), Rows(count=fits + 1)))


def drawn(grouped):
    inputs = np.random.normal(size=(60, 6))  # noqa: NPY002  # as users write
    return {"train": (inputs, np.arange(60) % 2), **({"groups": np.arange(60) // 2} if grouped else {})}


@pytest.mark.parametrize("grouped", [False, True])
def test_a_function_that_draws_other_samples_each_time_is_refused(grouped, tmp_path):
    data = {"name": f"{PLACE}drawn", "options": {"grouped": grouped}}
    with pytest.raises(DataError, match=r"returned other .*samples when it was called a second time"):
        droplab.compare(spec("pair", data=data), out=tmp_path / "drawn")
    assert not (tmp_path / "drawn").exists()


def test_a_transform_that_draws_now_and_then_is_told_that_samples_may_stay_on_disk(tmp_path):
    with pytest.raises(DataError, match=r'sample 50 .* second time.*"workers": 0'):
        droplab.compare(spec("pair", data={"name": f"{PLACE}Rare"}), out=tmp_path)


class Tokens(nn.Module):
    def __init__(self, shape, classes):
        super().__init__()
        self.embed, self.drop, self.head = nn.Embedding(9, 4), nn.Dropout(0.1), nn.Linear(4, classes)

    def forward(self, ids):
        return self.head(self.drop(self.embed(ids).mean(1)))


def tokens():
    return np.arange(600).reshape(100, 6) % 9, np.arange(100) % 2


def test_whole_numbers_for_an_embedding_are_told_their_task(tmp_path):
    values = spec("pair", data={"name": f"{PLACE}tokens"}, model={"name": f"{PLACE}Tokens"})
    with pytest.raises(ModelError, match=r'leaves them whole: task = \{ name = "classification"'):
        droplab.compare(values, out=tmp_path)
    assert droplab.compare({**values, "task": OF_ANY_DATA}, out=tmp_path).record.runs


def sequences():
    return np.zeros((10, 5, 3)), np.arange(10) % 2


def test_sequences_are_told_their_task(tmp_path):
    with pytest.raises(DataError, match=r"Sequences \(N, T, F\) want a task with options"):
        droplab.compare(spec("pair", data={"name": f"{PLACE}sequences"}), out=tmp_path)

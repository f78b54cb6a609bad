"""Data that stay where they are: the same draws for all arms and any number of workers, and little cost."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from droplab.data import LazySamples, Seeded
from droplab.data.repeat import generators, have_drawn
from droplab.errors import DataError


class Noisy(Dataset):
    """Each sample has a draw of torch's, of numpy's and of Python's."""

    def __len__(self):
        return 11

    def __getitem__(self, index):
        drawn = torch.stack([torch.rand(()), torch.tensor(np.random.rand()), torch.tensor(random.random())])  # noqa: NPY002  # as users write
        return {"x": drawn.float() + index}, index


def read(workers, seed=0, epoch=0, order=range(11), size=4):
    lazy = LazySamples(Noisy(), seed=seed, workers=workers)
    batches = list(lazy.batches(torch.tensor(list(order)), size, epoch))
    return torch.cat([batch.inputs["x"] for batch in batches]), torch.cat([batch.targets for batch in batches])


def test_draws_are_a_function_of_seed_epoch_and_sample():
    torch.manual_seed(5)
    first, ids = read(0)
    torch.manual_seed(6)
    again, _ = read(0, order=reversed(range(11)), size=3)
    assert torch.equal(first, again.flip(0)), "neither the order nor the batch nor the global seed matters"
    assert ids.tolist() == list(range(11))
    for other in (read(0, epoch=1)[0], read(0, seed=1)[0]):
        assert not (first == other).any()
    assert len(first.frac().flatten().unique()) == 33, "no two samples share a draw"


def test_workers_give_the_same_batches():
    for epoch in (0, 1):
        assert all(map(torch.equal, read(0, epoch=epoch), read(2, epoch=epoch)))


def test_numbers_become_what_they_are_in_memory():
    """Of numpy and Python, as data sets give them: models take float32, embeddings and losses int64."""
    row = {"x": np.ones(2), "half": torch.ones(1).half(), "ids": np.arange(2, dtype=np.int16), "seen": True}
    lazy = LazySamples([(row, np.uint8(3)), (row, np.uint8(0))], seed=0)
    for batch in (lazy.take(torch.tensor([0, 1])), next(lazy.chunks(2))):
        dtypes = {name: tensor.dtype for name, tensor in batch.inputs.items()}
        assert dtypes == {"x": torch.float32, "half": torch.float32, "ids": torch.int64, "seen": torch.bool}
        assert (batch.targets.dtype, batch.targets.tolist()) == (torch.int64, [3, 0])
    assert LazySamples([(1.0, 2.5)], seed=0).take(torch.tensor([0])).targets.dtype == torch.float32


def test_the_callers_generators_stay_where_they_are():
    lazy = LazySamples(Noisy(), seed=0)
    before = generators()
    list(lazy.chunks(4))
    lazy.take(torch.tensor([3]))
    assert Seeded(Noisy(), 0)[3][1] == 3
    assert not have_drawn(before, generators())


def test_take_is_what_batches_give():
    lazy = LazySamples(Noisy(), seed=4)
    wanted = next(iter(lazy.batches(torch.tensor([5, 2, 9]), 3, epoch=2)))
    assert torch.equal(lazy.take(torch.tensor([5, 2, 9]), epoch=2).inputs["x"], wanted.inputs["x"])
    assert [len(batch.targets) for batch in lazy.batches(torch.arange(11), 4, drop_last=True)] == [4, 4]


class Failing(Noisy):
    def __getitem__(self, index):
        if index == 7:
            raise RuntimeError("a truncated file")
        return super().__getitem__(index)


class Lying(Noisy):
    def __len__(self):
        return 20

    def __getitem__(self, index):
        if index >= 11:
            raise IndexError(index)
        return super().__getitem__(index)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_transform_that_fails_is_named_with_its_sample(workers):
    lazy = LazySamples(Failing(), seed=0, workers=workers)
    with pytest.raises(DataError, match=r"sample 7 raised RuntimeError: a truncated file \(at .*test_lazy\.py"):
        list(lazy.chunks(4))


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        (Lying(), "says that it has 20 samples, and sample 19 is not there"),
        ([], "is empty"),
        ([1, 2], "is a int; wanted a pair"),
        (3, r"wanted a data set with len\(\) and \[index\]"),
    ],
    ids=["length", "empty", "pair", "number"],
)
def test_what_can_be_known_before_the_first_run(dataset, words):
    with pytest.raises(DataError, match=words):
        LazySamples(dataset, seed=0)


class Slow(Noisy):
    """A millisecond of reading, as a small JPEG costs."""

    def __len__(self):
        return 32

    def __getitem__(self, index):
        end = time.process_time() + 1e-3
        while time.process_time() < end:
            pass
        return torch.rand(8), index


@pytest.mark.prove  # it measures time
def test_seeding_costs_little():
    """Beside a bare ``DataLoader``, in processor time; the shortest of several is what it costs."""
    bare, ours = [], []
    lazy = LazySamples(Slow(), seed=0)
    for _ in range(6):
        began = time.process_time()
        for _batch in DataLoader(Slow(), batch_size=16):
            pass
        bare.append(time.process_time() - began)
        began = time.process_time()
        for _batch in lazy.chunks(16):
            pass
        ours.append(time.process_time() - began)
    print(f"{min(ours) / min(bare):.4f} of a bare DataLoader")
    assert min(ours) < 1.05 * min(bare)

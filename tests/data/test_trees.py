from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from droplab.data import Samples, as_samples, duplicates
from droplab.data.trees import leaves, mapped, to_tensors
from droplab.errors import DataError


def nested(count=7):
    ids = np.arange(count * 3, dtype=np.int32).reshape(count, 3)
    return {"ids": ids, "more": (np.arange(count) / 2, [np.arange(count) % 2 == 0])}


def same(one, other):
    return all(torch.equal(a, b) for (_, a), (_, b) in zip(leaves(one), leaves(other), strict=True))


def test_integers_stay_integers_and_only_images_have_pixels():
    samples = as_samples(nested(), np.arange(7, dtype=np.uint8))
    assert {path: tensor.dtype for path, tensor in leaves(samples.inputs)} == {
        "ids": torch.int64,
        "more.0": torch.float32,
        "more.1.0": torch.bool,
    }
    table = np.array([[0, 255], [1, 2]], np.uint8)
    assert as_samples(table, [0, 1]).inputs.tolist() == [[0, 255], [1, 2]]
    wanted = torch.tensor([[-1, 1], [1 / 127.5 - 1, 2 / 127.5 - 1]])
    torch.testing.assert_close(as_samples(table, [0, 1], images=True).inputs, wanted)


def test_take_and_chunks_give_the_same_samples():
    samples = as_samples(nested(), np.arange(7))
    ids = torch.tensor([6, 0, 3])
    assert same(samples.take(ids).inputs, mapped(lambda tensor: tensor[[6, 0, 3]], samples.inputs))
    batches = list(samples.chunks(3))
    assert [len(batch.targets) for batch in batches] == [3, 3, 1]
    for at, batch in enumerate(batches):
        assert same(batch, samples.take(torch.arange(at * 3, min(at * 3 + 3, 7))))
    first = next(iter(samples.chunks(3))).inputs["ids"]
    assert first.data_ptr() == samples.inputs["ids"].data_ptr(), "no copy"
    assert len(samples.subset(ids)) == 3
    assert same(samples.to("cpu").inputs, samples.inputs)
    assert samples.bytes() == 7 * (3 * 8 + 4 + 1 + 8)


def test_a_data_loader_takes_them():
    samples = as_samples(nested(), np.arange(7))
    batches = list(DataLoader(samples, batch_size=3))
    assert same(list(batches[1]), list(samples.take(torch.arange(3, 6))))


@pytest.mark.parametrize(
    ("inputs", "targets", "words"),
    [
        ({"a": np.zeros(3), "b": np.zeros(2)}, [0, 0, 0], r"inputs \(a\) has 3 samples and inputs \(b\) has 2"),
        (np.zeros((3, 1)), [0, 1], "inputs have 3 samples and targets 2"),
        ({}, [0], "without a tensor"),
        (np.zeros((0, 2)), np.zeros(0), "no sample"),
        (np.float32(3), [0], "one number"),
        ([[1, 2], [3]], [0, 1], "no regular array"),
        (np.array(["a", "b"]), [0, 1], "return_inverse"),
        ({"x": np.array([1.0, math.nan])}, [0, 1], r"inputs\.x hold 1 value that is NaN"),
        (np.zeros(2, complex), [0, 1], "wanted numbers"),
        (torch.zeros(2, dtype=torch.complex64), [0, 1], "view_as_real"),
        (torch.eye(2).to_sparse(), [0, 1], "to_dense"),
        (np.array([2**64 - 1], np.uint64), [0], "more than int64"),
    ],
    ids=[
        "leaves",
        "count",
        "empty tree",
        "empty",
        "number",
        "ragged",
        "text",
        "NaN",
        "c",
        "complex",
        "sparse",
        "large",
    ],
)
def test_what_is_refused(inputs, targets, words):
    with pytest.raises(DataError, match=words):
        as_samples(inputs, targets)


def test_the_callers_arrays_stay_theirs():
    x = np.full((2, 3), 255, np.uint8)
    as_samples(x, [0, 1], images=True)
    assert (x == 255).all()
    assert to_tensors("x", torch.ones(2, requires_grad=True)).requires_grad is False


def test_duplicates_between_parts_are_told():
    train = {"a": torch.arange(8).reshape(4, 2), "b": torch.zeros(4)}
    held = {"a": torch.tensor([[9, 9], [4, 5], [4, 5]]), "b": torch.tensor([0.0, 0.0, 1.0])}
    found = duplicates("validation", held, "train", train)
    assert (found.shared, found.samples, found.first) == (1, 3, (1, 2))
    assert "1 of 3 samples of validation are in train too" in str(found)
    assert duplicates("validation", held, "train", mapped(lambda tensor: tensor + 100, train)) is None
    assert isinstance(Samples(held, torch.zeros(3)), Samples)

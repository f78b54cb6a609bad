"""What does not fit a task: one message, with the line that cures it and never one that destroys targets."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from droplab.errors import DataError, ModelError, UserError
from droplab.tasks import (
    Classification,
    Multilabel,
    NextToken,
    Regression,
    Segmentation,
    check_parts,
    make_task,
    try_out,
)

WHOLE, HALVES = torch.arange(6) % 3, torch.tensor([0.5, 1.5, 2.0])
CASES = {
    "numbers for classes": (Classification(), HALVES, 'task = "regression"'),
    "whole floats": (Classification(), WHOLE.float(), r"y\.astype\('int64'\)"),
    "one-hot": (Classification(), torch.eye(3), r"y\.argmax\(1\)"),
    "several labels": (Classification(), torch.ones(3, 3), 'task = "multilabel"'),
    "a column": (Classification(), WHOLE[:, None], r"y\[:, 0\]"),
    "negative": (Classification(), WHOLE - 1, "return_inverse"),
    "one class": (Classification(), torch.zeros(4, dtype=torch.int64), "nothing to tell apart"),
    "NaN class": (Classification(), torch.tensor([0, math.nan]), "NaN"),
    "weights": (Classification(class_weights=[1.0, 2.0]), WHOLE, '"balanced"'),
    "classes for labels": (Multilabel(), WHOLE, 'task = "classification"'),
    "numbers for labels": (Multilabel(), torch.rand(3, 2), 'task = "regression"'),
    "labels that never differ": (Multilabel(), torch.ones(3, 2), "the same for all 3 samples"),
    "NaN": (Regression(), torch.tensor([0.0, math.nan]), "first in sample 1"),
    "constant": (Regression(), torch.full((5,), 3.0), "are 3 in all 5 samples; there is nothing to predict"),
    "constant column": (Regression(), torch.tensor([[0.0, 1], [1, 1]]), "in column 1.*leave that column out"),
    "maps": (Regression(), torch.rand(2, 3, 3), r"y\.reshape\(len\(y\), -1\)"),
    "all ignored": (Segmentation(ignore_index=255), torch.full((2, 3, 3), 255), "the number to ignore"),
    "masks with a channel": (Segmentation(), torch.zeros(2, 1, 3, 3, dtype=torch.int64), r"y\[:, 0\]"),
    "no pixel but background": (Segmentation(), torch.zeros(2, 3, 3, dtype=torch.int64), "one class"),
    "outside the vocabulary": (NextToken(vocabulary=5), torch.tensor([[1, 7]]), "vocabulary = 8"),
    "one token": (NextToken(), torch.ones(2, 3, dtype=torch.int64), "nothing to predict"),
    "bytes": (NextToken(bytes_per_token=[1, 1]), torch.tensor([[1, 2]]), "one for each token"),
}


@pytest.mark.parametrize("name", CASES)
def test_targets(name):
    task, targets, words = CASES[name]
    with pytest.raises(DataError, match=words):
        task.check(targets)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: make_task("segmentaton"), "did you mean 'segmentation'"),
        (lambda: make_task({"name": "regression", "detla": 2}), "did you mean 'delta'"),
        (lambda: make_task({"name": "regression", "delta": -1}), "above 0"),
        (lambda: make_task("math:sqrt"), "task 'math:sqrt'"),
        (lambda: make_task(3), "unknown task 3"),
        (lambda: make_task({"name": "tests.tasks.own:Bare"}), "without check"),
        (lambda: Classification(figures=["macro-f1"]), "did you mean 'macro_f1'"),
        (lambda: Classification(top_k=1), "2 or more"),
        (lambda: Classification(label_smoothing=1.0), r"\[0, 1\)"),
        (lambda: Classification(class_weights="even"), '"balanced"'),
        (lambda: Classification(class_weights=[-1.0, 1.0]), "0 or larger"),
        (lambda: Multilabel(pos_weight=0), "above 0"),
        (lambda: NextToken(vocabulary=1), "2 or more"),
        (lambda: NextToken(bytes_per_token=0), "above 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_options(make, words):
    with pytest.raises(UserError, match=words):
        make()


def test_a_class_that_only_validation_has():
    parts = {"train": torch.tensor([0, 1]), "validation": torch.tensor([0, 2])}
    with pytest.raises(DataError, match="validation want 3 outputs and those of train 2"):
        check_parts(Classification(), parts)


class Constant(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return x.detach()


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (nn.Linear(3, 1), r"raised RuntimeError.*on a batch of \(4, 2\)"),
        (nn.Linear(2, 3), r"the model gave \(4, 3\) for targets \(4,\)"),
        (Constant(), r"\(4, 2\)"),
        (nn.Sequential(Constant(), nn.Linear(2, 1).requires_grad_(False)), "frozen as a whole"),
        (nn.LSTM(2, 1), "the model gave a tuple"),
    ],
    ids=["raises", "outputs", "shape", "frozen", "tuple"],
)
def test_models(model, words):
    with pytest.raises(ModelError, match=words):
        try_out(Regression(), model, torch.rand(4, 2), torch.rand(4))


def test_a_loss_that_is_not_finite_is_told_before_the_first_run():
    with pytest.raises(ModelError, match="the loss of the first batch is inf"):
        try_out(Regression(), nn.Linear(2, 1), torch.full((4, 2), 1e30), torch.rand(4))


def test_a_token_outside_the_embedding():
    with pytest.raises(DataError, match="token 9, and the model's embedding has 4 rows"):
        try_out(NextToken(), nn.Embedding(4, 4), torch.tensor([[9]]), torch.tensor([[1]]))

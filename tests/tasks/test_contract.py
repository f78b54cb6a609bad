from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from droplab.errors import DataError, UserError
from droplab.tasks import Added, Classification, Multilabel, NextToken, Regression, Segmentation
from droplab.testing import TaskContract
from tests.tasks.own import Ordered


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


class TestClassification(TaskContract):
    def make(self):
        return Classification(top_k=2, figures=["loss", "accuracy", "top2", "macro_f1", "balanced_accuracy"])

    def batch(self, samples):
        return drawn(samples, 4), torch.arange(samples) * 7 % 4


class TestWeighted(TestClassification):
    plain_loss = False

    def make(self):
        return Classification(class_weights="balanced", label_smoothing=0.1)


class TestMultilabel(TaskContract):
    def make(self):
        return Multilabel(figures=["macro_f1", "micro_f1", "loss", "exact"])

    def batch(self, samples):
        return drawn(samples, 3), (drawn(samples, 5)[:, :3] > 0).long()


class TestWeightedLabels(TestMultilabel):
    plain_loss = False

    def make(self):
        return Multilabel(pos_weight=[1.0, 2.0, 3.0])


class TestRegression(TaskContract):
    def make(self):
        return Regression(figures=["loss", "r2", "rmse", "mse", "mae"])

    def batch(self, samples):
        return drawn(samples, 2), drawn(samples, 2) + drawn(samples, 5)[:, :2]


class TestHuberOfOneNumber(TaskContract):
    def make(self):
        return Regression(loss="huber", delta=0.3)

    def batch(self, samples):
        return drawn(samples, 1), drawn(samples) * 3


class TestOwnLoss(TestRegression):
    def make(self):
        return Regression(loss=lambda outputs, targets: (outputs - targets).abs().sqrt().mean())


class TestSegmentation(TaskContract):
    def make(self):
        return Segmentation(ignore_index=255, figures=["miou", "loss", "accuracy", "macro_f1"])

    def batch(self, samples):
        targets = (drawn(samples, 3, 5) * 2).long().clamp(0, 2)
        targets[:, 0, 0] = 255
        return drawn(samples, 3, 3, 5), targets


class TestNextToken(TaskContract):
    def make(self):
        return NextToken(vocabulary=7, bytes_per_token=[1, 2, 3, 1, 2, 3, 1], ignore_index=-1)

    def batch(self, samples):
        targets = torch.arange(samples * 5).reshape(samples, 5) * 3 % 7
        targets[::2, -1] = -1
        return drawn(samples, 5, 7), targets


class TestOfTheUsers(TaskContract):
    def make(self):
        return Ordered(levels=4)

    def batch(self, samples):
        return drawn(samples, 3), torch.arange(samples) * 3 % 4


def test_the_contract_bites():
    """A figure that depends on how samples are batched is seen."""

    class Mean(Regression):
        def totals(self, outputs, targets):
            found = super().totals(outputs, targets)
            return {**found, "loss": found["loss"] / len(outputs)}

    class Contract(TestRegression):
        def make(self):
            return Mean()

    for name in ("test_batches_do_not_matter", "test_rows_are_one_for_each_sample_and_totals_their_sums"):
        with pytest.raises(AssertionError):
            getattr(Contract(), name)()


def test_an_own_loss_that_reduces_is_called_once():
    """Torch's losses are asked for all samples at once; another function is called for each."""
    calls = []

    def loss(outputs, targets, reduction="mean"):
        calls.append(reduction)
        return F.mse_loss(outputs, targets, reduction=reduction)

    task = Regression(loss=loss)
    outputs, targets = drawn(5, 1), drawn(5)
    assert torch.allclose(task.rows(outputs, targets)["loss"], Regression().rows(outputs, targets)["loss"])
    assert calls == ["none"]
    assert torch.equal(
        Regression(loss="torch.nn.functional:mse_loss").loss(outputs, targets), task.loss(outputs, targets)
    )


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        ("no_such:function", "no module named 'no_such'"),
        ("hubr", "did you mean 'huber'"),
        (lambda outputs, targets: 3.0, "gave 3.0; wanted a tensor"),
        (lambda outputs, targets: outputs @ targets, "raised RuntimeError"),
    ],
    ids=["module", "name", "number", "raises"],
)
def test_own_losses_that_do_not_hold(loss, words):
    with pytest.raises(UserError, match=words.replace("(", r"\(")):
        Regression(loss=loss).loss(drawn(5, 2), drawn(5, 2))


def test_metrics_of_the_users_see_all_samples():
    seen = []

    def auroc(outputs, targets):
        seen.append(len(targets))
        scores, positive = outputs[:, 1] - outputs[:, 0], targets == 1
        return (scores[positive][:, None] > scores[~positive][None]).double().mean()

    task = Classification(metrics={"auroc": {"function": auroc, "better": "higher"}})
    outputs, targets = drawn(13, 2), torch.arange(13) % 2
    added = Added(task, torch.arange(13) % 3)
    for part in (slice(0, 5), slice(5, 10), slice(10, 13)):
        added.add(outputs[part], targets[part])
    assert added.figures()["auroc"] == float(auroc(outputs, targets))
    assert added.figures(2)["auroc"] == float(auroc(outputs[2::3], targets[2::3]))
    assert seen[0] == 13
    assert [measure.name for measure in task.measures] == ["loss", "accuracy", "auroc"]


def test_a_metric_without_a_direction_says_what_is_wanted():
    with pytest.raises(UserError, match="wanted a function and the better direction"):
        Classification(metrics={"auroc": "higher"})
    with pytest.raises(UserError, match="does not say which direction is better"):
        Classification(metrics={"auroc": {"function": "math:sqrt"}})


def test_nothing_to_measure_is_told():
    with pytest.raises(DataError, match="no batch"):
        Added(Regression()).figures()
    empty = Added(Regression(), torch.tensor([0, 0, 2]))
    empty.add(drawn(3, 1), drawn(3))
    with pytest.raises(DataError, match="fold 1 has no sample"):
        empty.figures(1)

"""The house's loop reports the sums that its figures are made of, on folds of the validation samples."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from droplab.folds import folds_for, folds_of_groups, hashes
from droplab.tasks.classification import Classification
from droplab.tasks.regression import Regression
from droplab.training.foldwise import Foldwise


def test_folds_add_up_to_the_figures_of_the_whole(finished):
    for run in finished.record.runs.values():
        assert run.folds.keys() == {"val_loss", "val_accuracy"}
        for name, epochs in run.folds.items():
            assert len(epochs) == run.epochs_done
            for pairs, value in zip(epochs, run.metrics[name], strict=True):
                assert len(pairs) == 5
                whole = math.fsum(total for total, _ in pairs) / math.fsum(count for _, count in pairs)
                assert whole == pytest.approx(value, rel=1e-5)


def test_the_demonstrations_question_is_asked_as_deployed_first(finished):
    said = finished.text()
    assert finished.verdict.primary.end.name == "as_deployed"
    assert said.index("As deployed: is it better") < said.index("Arms at the last epoch")


class Root(Regression):
    means = frozenset()

    def figures(self, sums):
        found = super().figures(sums)
        return {**found, "loss": found["loss"] ** 0.5}


def whole_of(pairs):
    return [total / count for total, count in pairs]


@pytest.mark.parametrize("groups", [None, [3, 1, 3, 2, 1, 2, 2, 1] * 3], ids=["samples", "groups"])
def test_what_is_no_mean_has_its_value_on_each_fold_and_on_the_others(groups):
    outputs = torch.randn(24, generator=torch.Generator().manual_seed(0))
    targets = outputs.flip(0) * 2
    task = Root(figures=["loss", "r2", "top"], metrics={"top": {"function": f"{__name__}:top", "better": "higher"}})
    foldwise = Foldwise(task, 24, groups)
    foldwise.add(outputs[:10], targets[:10])
    foldwise.add(outputs[10:], targets[10:])
    found = foldwise.pairs()
    assert found.keys() == {f"{name}{end}" for name in ("loss", "r2", "top") for end in ("", "/others")}
    of = torch.tensor(
        (hashes(np.arange(24)) % np.uint64(2)).astype("int64") if groups is None else folds_of_groups(groups)
    )
    parts = [of == 0, of == 1, of >= 0]
    for name, wanted in (
        ("loss", [float((outputs[at] - targets[at]).square().mean() ** 0.5) for at in parts]),
        (
            "r2",
            [
                1
                - float((outputs[at] - targets[at]).square().sum() / (targets[at] - targets[at].mean()).square().sum())
                for at in parts
            ],
        ),
        ("top", [float(targets[at].max()) for at in parts]),
    ):
        assert whole_of(found[name]) == pytest.approx(wanted[:2], rel=1e-5)
        assert whole_of(found[name + "/others"]) == pytest.approx([wanted[1], wanted[0], wanted[2]], rel=1e-5)


def top(_outputs, targets):
    return targets.max()


def picky(_outputs, targets):
    if len(targets) < 6:
        raise ValueError("more samples are wanted")
    return 0.5


def test_a_figure_that_a_fold_does_not_have_has_no_folds():
    foldwise = Foldwise(Regression(metrics={"picky": {"function": f"{__name__}:picky", "better": "higher"}}), 6)
    foldwise.add(torch.arange(6.0), torch.arange(6.0) + 1)
    assert foldwise.pairs().keys() == {"loss", "r2", "r2/others"}


@given(st.lists(st.integers(0, 30), min_size=2, max_size=150))
def test_a_group_is_in_one_fold_and_no_fold_is_empty(groups):
    of = folds_of_groups(groups)
    assert of.tolist() == folds_of_groups(np.array(groups)).tolist()
    if len(set(groups)) > 1:
        assert len(set(zip(groups, of.tolist(), strict=True))) == len(set(groups))
        assert set(of.tolist()) == set(range(min(folds_for(len(groups)), len(set(groups)))))
    else:
        assert of.tolist() == (hashes(np.arange(len(groups))) % np.uint64(folds_for(len(groups)))).tolist()


def test_a_fold_without_samples_gives_none():
    foldwise = Foldwise(Classification(), 1)
    foldwise.add(torch.zeros(1, 2), torch.zeros(1, dtype=torch.int64))
    assert foldwise.pairs() == {}

"""The house's loop reports the sums that its figures are made of, on folds of the validation samples."""

import math

import pytest
import torch

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


def test_what_is_no_mean_has_no_folds():
    class Root(Regression):
        means = frozenset()

        def figures(self, sums):
            found = super().figures(sums)
            return {**found, "loss": found["loss"] ** 0.5}

    values = torch.arange(6.0)
    for task, names in ((Regression(), {"loss"}), (Root(), set())):
        foldwise = Foldwise(task, 6)
        foldwise.add(values[:4], values[:4] + 2)
        foldwise.add(values[4:], values[4:] + 2)
        assert foldwise.pairs().keys() == names


def test_a_fold_without_samples_gives_none():
    foldwise = Foldwise(Classification(), 1)
    foldwise.add(torch.zeros(1, 2), torch.zeros(1, dtype=torch.int64))
    assert foldwise.pairs() == {}

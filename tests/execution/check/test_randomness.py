from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from droplab.errors import ModelError
from droplab.training.seeding import generators_state
from tests.execution.check import models

DROPPING = [
    ("FunctionalDropout", r"F\.dropout at \S*models\.py:\d+ in FunctionalDropout\.middle"),
    ("HandwrittenMask", r"torch\.rand at \S*models\.py:\d+ in HandwrittenMask\.middle"),
    ("UsersAttention", r"`return F\.scaled_dot_product_attention\(.* at \S*models\.py:\d+ in UsersAttention\.middle"),
    ("Listed", r"nn\.LSTM \(recurrent dropout at \S*models\.py:\d+ in Listed\.middle\)"),
    ("UsersHeads", r"F\.multi_head_attention_forward at \S*models\.py:\d+ in UsersHeads\.middle"),
    ("Residual", r"DropPath 'drop_path' \(Tensor\.bernoulli_ at \S*models\.py:\d+ in DropPath\.forward\)"),
]


@pytest.mark.parametrize("name", ["Recurrent", "Encoder"])
def test_what_arms_can_set_is_silent_where_they_set_it_to_0(said, name):
    """The ``dropout=`` of nn.LSTM and of attention within nn.TransformerEncoderLayer are sites."""
    assert said(name) == {}


def line_of(words: str) -> int:
    """The line of ``models.py`` that holds some words."""
    lines = Path(models.__file__).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if words in line)


@pytest.mark.parametrize(("name", "words"), DROPPING)
def test_a_baseline_that_drops_is_refused_by_name(check, name, words):
    with pytest.raises(ModelError, match=words) as caught:
        check(name)
    text = str(caught.value)
    assert text.startswith(f"arm 'none' is to train without dropout, but model 'tests.execution.check.models:{name}'")
    assert "--allow-random-baseline" in text
    assert "nn.Dropout(p)" in text


def test_the_line_is_the_one_that_drops(check):
    with pytest.raises(ModelError, match=f":{line_of('F.dropout(x, 0.5, training=self.training)')} in"):
        check("FunctionalDropout")


@pytest.mark.parametrize(("name", "words"), DROPPING)
def test_it_is_told_where_it_is_allowed_and_where_no_arm_claims_to_drop_nothing(check, name, words):
    arms = [{"name": "a", "p": 0.2}, {"name": "b", "p": 0.5}]
    for found in (check(name, allow_random_baseline=True), check(name, arms=arms)):
        (notice,) = [notice for notice in found.notices if notice.code == "drops_in_training"]
        assert notice.arm == ""
        assert re.search(words, notice.detail["what"])


def test_dropout_in_evaluation_is_refused_whatever_the_arms(check, said):
    with pytest.raises(ModelError, match=r"drops in evaluation mode.*\n.*F\.dropout at"):
        check("DropoutInEvaluation", arms=[{"name": "a", "p": 0.2}, {"name": "b", "p": 0.5}])
    told = said("DropoutInEvaluation", allow_random_baseline=True)
    assert {"drops_in_training", "drops_in_evaluation"} <= told.keys()


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("Sampling", "random_in_training", "torch.randn_like"),
        ("Sampling", "random_in_evaluation", "torch.randn_like"),
        ("Gumbel", "random_in_training", "F.gumbel_softmax"),
        ("NumpyNoise", "random_in_training", "NumPy's generator"),
        ("Coin", "random_in_training", "Python's generator"),
        ("LeftOut", "random_in_training", "torch.rand at"),
        ("Clock", "not_reproducible_in_training", ""),
    ],
)
def test_other_randomness_is_told_and_not_refused(check, name, code, words):
    (notice,) = [notice for notice in check(name).notices if notice.code == code]
    assert words in str(notice.detail)


@pytest.mark.parametrize(
    "name",
    ["Net", "Normalised", "Checkpointed", "reentrant", "TakesGradients", "droplab.models:TutorialCNN"],
)
def test_nothing_is_said_of_models_that_are_as_they_should_be(said, name):
    assert said(name) == {}


def test_own_generators_and_buffers_are_left_as_they_were(check):
    torch.manual_seed(3)
    before = generators_state()
    check("Normalised")
    after = generators_state()
    assert torch.equal(before["torch"], after["torch"])
    assert torch.equal(before["numpy"][1], after["numpy"][1])
    assert torch.equal(before["python"][1], after["python"][1])

from __future__ import annotations

import numpy as np
import pytest

from droplab.data import load
from droplab.errors import ModelError, SpecError

TABLE = "tests.execution.check.models:table_data"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("frozen", "nothing to train: all its parameters are frozen"),
        ("Detached", r"no gradient flows through.*\.detach\(\)"),
        ("ThroughNumpy", "no gradient flows through.*NumPy"),
        ("NotFinite", "a loss of nan on the first batch.*Inputs lie in"),
        ("Table", r"IndexError.*models\.py:\d+ in Table\.forward\).*outside a table"),
        ("Leaving", r"sys\.exit\(0\) was called \(at .*models\.py:\d+ in Leaving\.middle\)"),
    ],
)
def test_what_one_pass_can_tell_is_a_clear_refusal(check, name, words):
    with pytest.raises(ModelError, match=words):
        check(name)


def test_a_model_without_parameters(check):
    with pytest.raises(ModelError, match="nothing to train: it has no parameters"):
        check("parameterless", arms=[{"name": "none", "p": 0.0}])


def test_a_model_whose_weights_are_not_there_yet(check):
    with pytest.raises(ModelError, match=r"'1'.*LazyLinear.*model\(torch\.zeros\(2, \*shape\)\)"):
        check("lazy")


def test_sparse_gradients_which_the_optimisers_do_not_take(check):
    with pytest.raises(ModelError, match=r"'table\.weight' a sparse gradient.*sparse=False"):
        check("SparseTable")


def test_a_last_batch_of_one(check):
    split = load("fashion-mnist-mini", train_size=97)
    with pytest.raises(ModelError, match=r"on the last batch, of shape \(1, 1, 28, 28\).*BatchNorm.*drop_last = true"):
        check("Normalised", split=split)
    assert check("Net", split=split)
    assert check("Normalised", split=split, recipe={"drop_last": True})


def test_augmentation_of_images_on_a_table(check):
    with pytest.raises(SpecError, match=r"recipe\.augmentation: flip-crop is for images"):
        check("table_model", split=load(TABLE), recipe={"augmentation": "flip-crop"})


def test_the_scale_of_inputs_a_small_validation_part_and_the_majority_are_said(check):
    found = {notice.code: notice.detail for notice in check("table_model", split=load(TABLE)).notices}
    assert found["inputs_as_they_are"]["mean"] == pytest.approx(500, rel=0.1)
    assert found["inputs_far"]["std"] == pytest.approx(300, rel=0.1)
    count = found["validation_small"]["count"]
    assert found["validation_small"]["step"] == 1 / count
    assert found["majority"]["name"] == "0"
    assert 0.9 < found["majority"]["share"] < 1


def shared_images():
    """Of 60 validation samples 3 are trained on too, one of them twice, and of 50 test samples 2."""
    draw = np.random.default_rng(0)
    images, labels = draw.integers(0, 256, (220, 1, 28, 28)).astype("uint8"), np.arange(220) % 10
    parts = np.arange(110), np.r_[0, 7, 7, 110:167], np.r_[5, 6, 170:218]
    return tuple((images[part], labels[part]) for part in parts)


def test_samples_that_are_measured_on_and_trained_on_are_told(check, pixels):
    found = {notice.code: notice.detail for notice in check("Net", split=load(f"{__name__}:shared_images")).notices}
    assert found["duplicates_validation"] == {"shared": 3, "count": 60}
    assert found["duplicates_test"] == {"shared": 2, "count": 50}
    assert not [notice for notice in check("Net", split=pixels).notices if "duplicates" in notice.code]


def test_pixels_are_scaled_and_that_is_said(check):
    (notice,) = [notice for notice in check("Net").notices if notice.code == "inputs_scaled"]
    assert (notice.detail["low"], notice.detail["high"]) == (-1.0, 1.0)


def test_whole_numbers_that_a_table_is_asked_for_have_no_scale(check):
    data = load("tests.execution.check.models:token_data")
    assert "inputs_far" in {notice.code for notice in check("table_model", split=data).notices}
    assert "inputs_far" not in {notice.code for notice in check("Tokens", split=data).notices}
    with pytest.raises(ModelError, match=r"0 … 1\d\d: an index .* outside a table of the model.*inputs = \"as-is\""):
        check("Tokens", split=load("tests.execution.check.models:token_data", options={"highest": 150}))

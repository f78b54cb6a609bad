"""The house's loop trains an arm by its own recipe, and measures all arms alike."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

import droplab
from droplab.data import load
from droplab.errors import UserError
from droplab.tasks.classification import Classification, smoothed
from droplab.tasks.regression import Regression
from droplab.training.samples import lay_out

RIVALS = {
    "decay": {"weight_decay": 0.05},
    "smooth": {"label_smoothing": 0.2},
    "crop": {"augmentation": "flip-crop"},
    "schedule": {"lr": 3e-3, "lr_schedule": "cosine"},
    "sgd": {"optimizer": "sgd", "momentum": 0.5},
    "norm": {"max_norm": 0.5},
    "batch": {"batch_size": 48, "drop_last": True},
}
DATA = {"name": "fashion-mnist-mini", "train_size": 160}
ALIKE = {"val_loss", "val_accuracy", "fit_loss", "train_loss", "lr"}


def compared(folder, arms, data=DATA, **recipe):
    return droplab.compare(
        {
            "data": data,
            "model": {"name": "mlp"},
            "recipe": {"epochs": 2, "precision": "float32", "watch_every": 0, **recipe},
            "seeds": 1,
            "arms": [{"name": name, **arm} for name, arm in arms.items()],
            "compute": {"executor": "serial", "threads": 1},
        },
        out=folder,
    )


def figures(results, arm):
    (run,) = (run for run in results.record.runs.values() if run.key.arm == arm)
    assert run.state == "done"
    return {name: series for name, series in run.metrics.items() if name in ALIKE}


@pytest.fixture(scope="module")
def all_arms(tmp_path_factory):
    sizes = {"fewer": {"train_size": 100}, "more": {"train_size": 200}}
    return compared(tmp_path_factory.mktemp("rivals") / "all", {"none": {}, **RIVALS, **sizes})


@pytest.mark.parametrize("name", RIVALS)
def test_a_change_by_arm_is_the_same_as_in_the_recipe(all_arms, tmp_path, name):
    alone = compared(tmp_path / "alone", {"none": {}}, **RIVALS[name])
    assert figures(all_arms, name) == figures(alone, "none")
    assert figures(all_arms, name)["val_loss"] != figures(all_arms, "none")["val_loss"]


@pytest.mark.parametrize(("name", "size"), [("fewer", 100), ("more", 200)])
def test_an_arm_with_its_own_number_of_samples_has_those_of_a_spec_with_that_number(all_arms, tmp_path, name, size):
    alone = compared(tmp_path / "alone", {"none": {}}, data={**DATA, "train_size": size})
    assert figures(all_arms, name) == figures(alone, "none")


def test_the_verdict_says_which_arms_have_other_batches(all_arms):
    found = {notice.arm: notice.detail for notice in all_arms.record.notices if notice.code == "other_batches"}
    assert found == {
        "batch": {"samples": 160, "size": 48},
        "fewer": {"samples": 100, "size": 32},
        "more": {"samples": 200, "size": 32},
    }
    text = " ".join(all_arms.text().split())
    assert '"more": trains on 200 samples in batches of 32, which the baseline does not' in text
    assert "訓練サンプル 200 個をバッチサイズ 32 で学習し" in "".join(all_arms.text("ja").split("\n    "))


def test_losses_that_arms_are_compared_by_are_plain_cross_entropy(all_arms):
    data = lay_out(load(**DATA), 5000, torch.device("cpu"))
    model = all_arms.model("smooth", 0)
    found = figures(all_arms, "smooth")
    for part, samples in (("val", data.validation), ("fit", data.fit)):
        inputs, targets = samples.take(torch.arange(len(samples)))
        with torch.inference_mode():
            plain = float(F.cross_entropy(model(inputs), targets))
            smooth = float(F.cross_entropy(model(inputs), targets, label_smoothing=0.2))
        assert found[f"{part}_loss"][-1] == pytest.approx(plain, rel=1e-5)
        assert abs(smooth - plain) > 1e-3


def test_a_batch_larger_than_an_arms_training_set_is_refused(tmp_path):
    with pytest.raises(
        UserError, match=r"arms\[1\]\.batch_size: 120 is larger than the training set of this arm \(100"
    ):
        compared(tmp_path / "none", {"none": {}, "rival": {"train_size": 100}}, batch_size=120)


def test_images_are_wanted_where_an_arm_flips_them(tmp_path):
    torch.manual_seed(0)
    flat = load("fashion-mnist-mini", train_size=40)
    with pytest.raises(UserError, match=r"arms\[1\]\.augmentation: flip-crop is for images"):
        droplab.compare(
            {"model": {"name": "mlp"}, "arms": [{"name": "none"}, {"name": "crop", "augmentation": "flip-crop"}]},
            data=(flat.train.images.flatten(1), flat.train.labels),
            out=tmp_path / "none",
        )


def test_a_task_is_smoothed_beside_itself():
    weights = [1.0, 3.0]
    task = Classification(class_weights=weights)
    logits, targets = torch.tensor([[1.0, -1.0], [0.0, 2.0]]), torch.tensor([1, 0])
    before = float(task.loss(logits, targets))
    assert smoothed(task, 0.0) is task
    assert float(smoothed(task, 0.3).loss(logits, targets)) == pytest.approx(
        float(F.cross_entropy(logits, targets, torch.tensor(weights), label_smoothing=0.3))
    )
    assert float(task.loss(logits, targets)) == before
    with pytest.raises(UserError, match="label smoothing is for classes, and the task is a Regression"):
        smoothed(Regression(), 0.1)

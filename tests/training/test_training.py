from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from droplab.data import load
from droplab.errors import DivergedError
from droplab.folds import fold_sums
from droplab.spec import ArmSpec
from droplab.training.norms import watch
from droplab.training.optimise import FORGET_EVERY, apply_max_norm, forget_faded
from droplab.training.samples import lay_out
from tests.conftest import tiny
from tests.training.trainer import Trainer, locate


@pytest.fixture(scope="module")
def bench():
    return lay_out(load("fashion-mnist-mini", train_size=100), 50, torch.device("cpu"))


def trainer(bench, p=0.0, seed=0, **changes) -> Trainer:
    return Trainer(tiny(**changes), ArmSpec(name="arm", p=p), seed, bench, "float32")


def test_arms_of_a_seed_share_weights_and_batches(bench):
    seen = {}
    for p in (0.0, 0.5):
        run = trainer(bench, p)
        weights = [parameter.clone() for parameter in run.model.parameters()]
        batches = []
        run.step = lambda images, labels, *_a, batches=batches, **_k: (  # the batches only
            batches.append((images.clone(), labels.clone())),
            (torch.zeros(()), torch.zeros((), dtype=torch.int64)),
        )[1]
        run.epoch(0)
        run.epoch(1)
        seen[p] = weights, batches
    for a, b in zip(seen[0.0][0], seen[0.5][0], strict=True):
        assert torch.equal(a, b)
    assert len(seen[0.0][1]) == 8
    for (images, labels), (images2, labels2) in zip(seen[0.0][1], seen[0.5][1], strict=True):
        assert torch.equal(images, images2)
        assert torch.equal(labels, labels2)
    assert not torch.equal(seen[0.0][1][0][1], seen[0.0][1][4][1])  # another order in the next epoch


def test_seeds_differ_and_repeat(bench):
    first, again, other = (trainer(bench, 0.5, seed).epoch(0).metrics for seed in (0, 0, 1))
    keep = {key for key in first if key not in {"seconds", "images_per_second"}}
    assert {k: first[k] for k in keep} == {k: again[k] for k in keep}
    assert first["val_loss"] != other["val_loss"]


def test_losses_are_weighted_by_samples(bench):
    """100 samples in batches of 32 leave a last batch of 4; a mean of batch means would be off."""
    run = trainer(bench)
    per_sample = []
    step = run.step

    def recording(images, labels, number=0, inspector=None, samples=None):
        with torch.no_grad():
            per_sample.extend(F.cross_entropy(run.model(images), labels, reduction="none").tolist())
        return step(images, labels, number, inspector, samples)

    run.step = recording
    metrics = run.epoch(0).metrics
    assert len(per_sample) == 100
    assert metrics["train_loss"] == pytest.approx(sum(per_sample) / 100, rel=1e-5)
    run.model.eval()
    with torch.no_grad():
        images, labels = bench.validation.take(torch.arange(len(bench.validation)))
        logits = run.model(images)
    assert metrics["val_loss"] == pytest.approx(float(F.cross_entropy(logits, labels)), rel=1e-4)
    assert metrics["val_accuracy"] == pytest.approx(float((logits.argmax(1) == labels).float().mean()))
    assert metrics["gap"] == pytest.approx(metrics["val_loss"] - metrics["fit_loss"])


def test_the_loop_equals_plain_pytorch(bench):
    """The naive loop is the judge: NCHW, torch.optim.Adam unfused, one thread."""
    run = trainer(bench)
    naive = trainer(bench)
    model = naive.model.to(memory_format=torch.contiguous_format)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=False, foreach=False)
    batches = []
    step = run.step

    def recording(images, labels, number=0, inspector=None, samples=None):
        batches.append((images.contiguous().clone(), labels.clone()))
        return step(images, labels, number, inspector, samples)

    run.step = recording
    run.epoch(0)
    model.train()
    for images, labels in batches:
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()
    for ours, theirs in zip(run.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs.to(memory_format=torch.preserve_format), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("schedule", ["cosine", "step"])
def test_learning_rate_schedules(bench, schedule):
    run = trainer(bench, recipe={"lr_schedule": schedule, "epochs": 4})
    lrs = [run.epoch(epoch).metrics["lr"] for epoch in range(4)]
    assert lrs == sorted(lrs, reverse=True)
    assert lrs[-1] < 0.1 * lrs[0]


QUICK = [("adam", "none"), ("sgd", "none"), ("adamw", "flip-crop")]
"""Each optimiser and augmentation; the other pairs are a proof."""


@pytest.mark.parametrize(
    ("optimizer", "augmentation"),
    [
        pytest.param(*pair, marks=() if pair in QUICK else pytest.mark.prove)
        for pair in product(("adam", "adamw", "sgd"), ("none", "flip-crop"))
    ],
)
def test_recipes_learn(bench, optimizer, augmentation):
    lr = 0.02 if optimizer == "sgd" else 2e-3
    run = trainer(bench, 0.1, recipe={"optimizer": optimizer, "augmentation": augmentation, "lr": lr, "epochs": 9})
    losses = [run.epoch(epoch).metrics["train_loss"] for epoch in range(9)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_forgetting_faded_moments_changes_no_weight(kind):
    """A unit dies after 100 steps: its moments become subnormal in plain PyTorch, zero in ours, its weights equal."""

    def train(forget: bool) -> tuple[nn.Module, torch.optim.Optimizer]:
        generator = torch.Generator().manual_seed(0)
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 33), nn.ReLU(), nn.Linear(33, 3))
        optimizer = (
            torch.optim.Adam(model.parameters(), fused=True)
            if kind == "adam"
            else torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)
        )
        for step in range(1000):
            if step == 100:
                with torch.no_grad():
                    model[0].bias[:5] = -100.0
            inputs = torch.randn(8, 6, generator=generator)
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), inputs[:, :3].argmax(1)).backward()
            optimizer.step()
            if forget and step % FORGET_EVERY == 0:
                forget_faded(optimizer)
        return model, optimizer

    def subnormal(optimizer: torch.optim.Optimizer) -> int:
        moments = [value for state in optimizer.state.values() for value in state.values() if value.ndim]
        return sum(int(((m != 0) & (m.abs() < torch.finfo(torch.float32).tiny)).sum()) for m in moments)

    plain, plain_optimizer = train(forget=False)
    ours, our_optimizer = train(forget=True)
    assert subnormal(plain_optimizer) >= 5 * 6  # the dead unit's incoming weights, at least
    assert subnormal(our_optimizer) == 0
    for a, b in zip(plain.parameters(), ours.parameters(), strict=True):
        assert torch.equal(a, b)


def test_max_norm_bounds_every_unit():
    layer = nn.Linear(5, 3)
    with torch.no_grad():
        layer.weight.mul_(100)
        layer.weight[0] *= 1e-6
    small = layer.weight[0].clone()
    apply_max_norm(layer, 2.0)
    norms = layer.weight.norm(dim=1)
    assert norms[1:].tolist() == pytest.approx([2.0, 2.0], rel=1e-5)
    assert torch.equal(layer.weight[0], small)


def test_norms_and_histograms_equal_torchs(bench):
    run = trainer(bench)
    run.epoch(0)
    norms, histograms = watch(run.model)
    weight = run.model.fc1.weight
    assert norms["param_norm/fc1.weight"] == pytest.approx(float(weight.detach().double().norm()), rel=1e-5)
    assert norms["grad_norm/fc1.weight"] == pytest.approx(float(weight.grad.double().norm()), rel=1e-5)
    found = next(h for h in histograms if (h.kind, h.layer) == ("gradient", "fc1.weight"))
    wanted = torch.histc(weight.grad, 64, found.low, found.high)
    assert sum(found.counts) == weight.numel()
    assert torch.tensor(found.counts).sub(wanted).abs().sum() <= 0.001 * weight.numel()  # bin edges round


def test_nan_is_traced_to_its_layer(bench):
    run, replay = trainer(bench), trainer(bench)
    with torch.no_grad():
        run.model.fc1.weight[0, 0] = math.nan
        replay.model.fc1.weight[0, 0] = math.nan
    with pytest.raises(DivergedError) as seen:
        run.epoch(0)
    error = locate(replay, 0, seen.value)
    assert (error.step, error.layer) == (0, "fc1")
    assert "fc1" in str(error)


def test_a_last_smaller_batch_can_be_left_out():
    split = load("fashion-mnist-mini", train_size=97)
    run = trainer(lay_out(split, 50, torch.device("cpu")), recipe={"drop_last": True})
    sizes = []
    run.step = lambda images, *_a, **_k: (sizes.append(len(images)), (torch.zeros(()), torch.zeros((), dtype=int)))[1]
    run.epoch(0)
    assert sizes == [32, 32, 32]
    assert "drop_last" not in tiny().canonical()["recipe"]  # ledgers from before it go on
    assert tiny().identity() != run.spec.identity()


def test_validation_figures_are_there_by_fold(bench):
    """Sums over the samples of each fold, by the hash of their places, and together the figure itself."""
    run = trainer(bench, 0.5)
    measurement = run.epoch(0)
    run.model.eval()
    images, labels = (torch.cat(parts) for parts in zip(*bench.validation.chunks(7), strict=True))
    with torch.no_grad():
        outputs = run.model(images)
    for name, rows in {
        "val_loss": F.cross_entropy(outputs, labels, reduction="none"),
        "val_accuracy": (outputs.argmax(1) == labels).float(),
    }.items():
        pairs = measurement.folds[name]
        wanted = fold_sums(np.arange(len(labels)), rows.double().numpy())
        assert [count for _, count in pairs] == [count for _, count in wanted]
        torch.testing.assert_close(
            torch.tensor([total for total, _ in pairs]), torch.tensor([total for total, _ in wanted])
        )
        assert sum(total for total, _ in pairs) / len(labels) == pytest.approx(measurement.metrics[name], rel=1e-6)

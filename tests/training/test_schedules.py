"""Schedules at work in training: what acts at every step, what is recorded, what a checkpoint brings back."""

from __future__ import annotations

import contextlib
import copy

import pytest
import torch

import droplab
from droplab.data import load
from droplab.errors import InterruptedRunError, SiteError, SpecError
from droplab.models import TutorialCNN
from droplab.schedules import SCHEDULES, AdaptiveGap, AdaptiveSiteGap, Linear, make
from droplab.spec import ArmSpec
from droplab.surgery import apply_rates, fed_weights, in_depth_order, rates, set_rates, site_layers, sites
from droplab.training.moving import MovingRates
from droplab.training.samples import lay_out
from tests.conftest import tiny
from tests.execution.test_engine import StopAfter, figures
from tests.report.test_page import data_of, numbers
from tests.training.trainer import Trainer


@pytest.fixture(scope="module")
def bench():
    return lay_out(load("fashion-mnist-mini", train_size=100), 50, torch.device("cpu"))


def trainer(bench, schedule, p=0.5, epochs=3) -> Trainer:
    return Trainer(tiny(recipe={"epochs": epochs}), ArmSpec(name="arm", p=p, schedule=schedule), 0, bench, "float32")


def seen_at_every_step(run: Trainer) -> list[dict[str, float]]:
    """Rates that the layers have in each forward pass, read from the layers themselves."""
    seen = []
    step = run.step

    def recording(*arguments, **named):
        seen.append(rates(run.model))
        return step(*arguments, **named)

    run.step = recording
    return seen


def test_p_is_set_before_every_step_and_recorded_at_the_last(bench):
    peaks = {"drop1": 0.2, "drop2": 0.8, "fc1:in": 0.4}
    run = trainer(bench, {"drop*": "linear", "fc1:in": {"name": "late", "since": 0.5}}, peaks)
    seen = seen_at_every_step(run)
    recorded = [run.epoch(epoch).metrics for epoch in range(3)]
    assert len(seen) == 3 * 4  # 100 samples in batches of 32
    linear, late = make("linear"), make({"name": "late", "since": 0.5})
    for step, found in enumerate(seen):
        assert found == {
            "drop1": linear(step, 12, 0.2),
            "drop2": linear(step, 12, 0.8),
            "fc1:in": late(step, 12, 0.4),
        }
    assert {found["fc1:in"] for found in seen} == {0.0, 0.4}
    for epoch, metrics in enumerate(recorded):
        assert {site: metrics[f"p/{site}"] for site in peaks} == seen[4 * epoch + 3]


def test_a_moving_rate_is_what_is_dropped(bench):
    """Not only the attribute: the share of zeros behind the layer follows, within 4 standard errors."""
    run = trainer(bench, {"name": "piecewise", "at": [0, 0.5], "values": [0.25, 1.0]}, {"drop2": 0.8}, epochs=2)
    zeros = []
    run.model.drop2.register_forward_hook(
        lambda _m, args, out: (
            zeros.append((float((out[args[0] != 0] == 0).float().mean()), int((args[0] != 0).sum())))
            if run.model.training
            else None
        )
    )
    for epoch in range(2):
        run.epoch(epoch)
    for (share, count), p in zip(zeros, [0.2] * 4 + [0.8] * 4, strict=True):
        assert abs(share - p) <= 4 * (p * (1 - p) / count) ** 0.5


def test_one_layer_per_doorway_however_often_p_moves():
    model = TutorialCNN((1, 28, 28), 10)
    change = apply_rates(model, {"fc1:in": 0.4})
    before, hooks = site_layers(model)["fc1:in"], len(model.fc1._forward_pre_hooks)
    for rate in (0.1, 0.0, 1.0):
        set_rates(model, {"fc1:in": rate, "drop1": rate})
        assert rates(model) == {"drop1": rate, "drop2": 0.0, "fc1:in": rate}
    assert site_layers(model)["fc1:in"] is before
    assert len(model.fc1._forward_pre_hooks) == hooks
    with pytest.raises(SiteError, match="no layer drops at fc2:in; layers drop at: drop1, fc1:in, drop2"):
        set_rates(model, {"fc2:in": 0.1})
    change.undo()


def test_depth_is_the_order_of_the_modules():
    model = TutorialCNN((1, 28, 28), 10)
    assert in_depth_order(model, reversed(sites(model))) == (
        *(f"conv{n}:{door}" for n in (1, 2, 3) for door in ("in", "out")),
        *("drop1", "fc1:in", "fc1:out", "drop2", "fc2:in", "fc2:out"),
    )
    fed = fed_weights(model, ["conv1:in", "conv1:out", "drop1", "fc1:out", "drop2", "fc2:out"])
    wanted = ("conv1", "conv2", "fc1", "fc2", "fc2", "fc2")
    assert all(weight is getattr(model, name).weight for weight, name in zip(fed.values(), wanted, strict=True))


def test_the_ramp_follows_depth_not_the_order_of_the_spec(bench):
    run = trainer(bench, "depth-ramp", {"drop2": 0.8, "conv2:out": 0.8, "drop1": 0.8, "conv1:out": 0.8})
    metrics = run.epoch(0).metrics
    found = [metrics[f"p/{site}"] for site in ("conv1:out", "conv2:out", "drop1", "drop2")]
    assert found == pytest.approx([0.2, 0.4, 0.6, 0.8])


def test_an_adaptive_rate_is_what_its_controller_says_of_the_recorded_metrics(bench):
    """The recorded curves alone give the recorded rates: every change can be traced."""
    control = AdaptiveGap(target=-1.0, gain=0.04, hysteresis=0.0)
    run = trainer(bench, {"drop2": control, "drop1": "constant"}, {"drop1": 0.3, "drop2": 0.1}, epochs=4)
    seen = seen_at_every_step(run)
    recorded = [run.epoch(epoch).metrics for epoch in range(4)]
    state, p = control.start({"drop2": 0.1})
    for epoch, metrics in enumerate(recorded):
        assert (metrics["p/drop1"], metrics["p/drop2"]) == (0.3, p["drop2"])
        assert all(found["drop2"] == p["drop2"] for found in seen[4 * epoch : 4 * epoch + 4])
        state, p = control.update(state, metrics)
    assert len({metrics["p/drop2"] for metrics in recorded}) == 4


def test_norms_per_site_are_measured_where_a_schedule_reads_them(bench):
    run = trainer(bench, AdaptiveSiteGap(target=-1.0, hysteresis=0.0, gain=0.02), epochs=3)
    recorded = [run.epoch(epoch).metrics for epoch in range(3)]
    for metrics in recorded:
        assert metrics["site_norm/drop1"] == pytest.approx(metrics["param_norm/fc1.weight"])
        assert metrics["site_norm/drop2"] == pytest.approx(metrics["param_norm/fc2.weight"])
    assert recorded[2]["p/drop1"] != recorded[2]["p/drop2"]
    assert not any(name.startswith("site_norm/") for name in trainer(bench, "linear").epoch(0).metrics)


ADAPTIVE = {"target": -1.0, "gain": 0.02, "hysteresis": 0.0}
ARMS = [
    {"name": "curriculum", "p": 0.5, "schedule": "curriculum"},
    {
        "name": "adaptive",
        "p": 0.3,
        "schedule": {
            "drop1": {"name": "adaptive-slope", "window": 2, "gain": 0.2},
            "drop2": {"name": "adaptive-gap", **ADAPTIVE},
        },
    },
    {"name": "per site", "p": 0.2, "schedule": {"name": "adaptive-site-gap", **ADAPTIVE}},
]


def test_interrupted_and_continued_is_bit_identical(tmp_path):
    """Stopped in the middle of every arm in turn: what controllers remember comes back from the checkpoint."""
    spec = tiny(arms=ARMS, seeds=1, recipe={"epochs": 4})
    whole = droplab.compare(spec, out=tmp_path / "whole")
    for _ in range(9):
        with contextlib.suppress(InterruptedRunError):
            droplab.compare(spec, out=tmp_path / "cut", listener=StopAfter(2))
    assert figures(tmp_path / "cut") == figures(whole.folder)
    for run in whole.record.runs.values():
        assert len(set(run.metrics["p/drop2"])) == 4
    drawn = data_of(whole.write_page().read_text(encoding="utf-8"))
    for shown, run in zip(drawn["runs"], whole.record.runs.values(), strict=True):
        for site in ("drop1", "drop2"):
            assert tuple(numbers(shown["metrics"][f"p/{site}"])) == run.metrics[f"p/{site}"]
    assert drawn["runs"][2]["fields"]["arm.schedule.name"] == "adaptive-site-gap"


def test_a_checkpoint_from_before_schedules_is_continued(bench):
    run = trainer(bench, "constant")
    run.epoch(0)
    now = run.state()
    before = {key: value for key, value in now.items() if key != "schedules"}
    assert now["schedules"] == {}
    losses = []
    for state in (now, before):
        again = trainer(bench, "constant")
        again.load_state(copy.deepcopy(state))
        losses.append(again.epoch(1).metrics["val_loss"])
    assert losses[0] == losses[1]


def test_what_a_schedule_cannot_move_is_refused_before_anything_is_written(tmp_path):
    arms = [
        {"name": "a", "p": {"drop1": 0.5}, "schedule": {"drp1": "linear"}},
        {"name": "b", "p": {"drop1": 0.5}, "schedule": {"drop2": "linear"}},
        {"name": "c", "p": {"drop1": 0.5, "drop2": 0.0}, "schedule": {"drop1": "late", "drop2": "linear"}},
        {"name": "d", "p": 0.5, "schedule": {"drop1": "late", "drop*": "linear"}},
    ]
    with pytest.raises(SpecError) as caught:
        droplab.compare(tiny(arms=arms), out=tmp_path / "run")
    lines = caught.value.problems
    assert [line[:16] for line in lines] == [f"arms[{place}].schedule" for place in range(4)]
    for line, words in zip(
        lines, ("did you mean 'drop", "p is for drop1", "p is 0 at drop2", "no site is left"), strict=True
    ):
        assert words in line
    assert not (tmp_path / "run").exists()


def test_constant_arms_pay_nothing(bench):
    """No group, no state, no metric: what was there before schedules is as it was."""
    moving = trainer(bench, "constant").moving
    assert (moving._pure, moving._adaptive, moving.state(), moving.measure()) == ([], {}, {}, {})


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name.startswith("adaptive-")])
def test_limits_hold_for_a_start_outside_them(bench, name):
    model = TutorialCNN((1, 28, 28), 10)
    p = apply_rates(model, {"drop1": 0.0, "drop2": 1.0}).rates
    MovingRates(model, {"name": name, "low": 0.1, "high": 0.7}, p)
    assert rates(model) == {"drop1": 0.1, "drop2": 0.7}


def test_a_model_without_weights_has_no_norms_to_read():
    model = torch.nn.Sequential(torch.nn.Dropout(0.5))
    with pytest.raises(SiteError, match="no weights"):
        MovingRates(model, "adaptive-site-gap", {"0": 0.5})
    MovingRates(model, Linear(), {"0": 0.5}).before_step(1, 2)
    assert model[0].p == 0.25

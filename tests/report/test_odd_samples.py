"""Odd samples in the page: of other types, too long, nested, without a loss, and arms that change nothing."""

from __future__ import annotations

import weakref

import pytest
import torch
from torch import nn

import droplab.execution.changed_samples
from droplab.contents import Cells, ChangedSample, ChangedSamples, Text
from droplab.execution.drawing import CELLS, PIECES, contents, input_of, pixels
from droplab.execution.trained import only
from droplab.records import Measure
from droplab.report import build_page
from droplab.report.samples import samples
from droplab.tasks.sketch import Sketch
from tests.report.pages import source
from tests.report.test_samples import found, samples_of, trained


@pytest.mark.parametrize("dtype", [torch.bool, torch.int8, torch.int64, torch.float16, torch.bfloat16, torch.float64])
def test_images_of_every_type_are_stretched(dtype):
    assert pixels(torch.tensor([[[0, 1]]]).to(dtype)).data == b"\0\xff"


def test_images_with_holes_and_of_the_widest_range_are_seen():
    wide = 2.0 * torch.tensor([-1.5e38, 1.5e38, 0.0])
    assert pixels(wide[None, None]).data == b"\0\xff\x80"
    holes = torch.tensor([[[-3.0, torch.nan, torch.inf, -torch.inf, 2.0, -0.5]]])
    assert pixels(holes).data == b"\0\0\xff\0\xff\x80"
    assert pixels(torch.full((1, 1, 2), torch.nan)).data == b"\0\0"


def test_what_is_left_out_of_a_long_sample_is_marked():
    (long, said) = contents(Sketch("tokens", (1,) * 100_000, (2,) * 100_000), (), ("a", "b", "c"))
    assert len(long.pieces) == len(said.pieces) == PIECES + 1
    assert (said.pieces[-2], said.pieces[-1]) == (("c", True), ("…", False))
    assert "…" not in dict(contents(Sketch("tokens", (1,) * PIECES, (1,) * PIECES), (), ("a", "b"))[0].pieces)
    names = [f"n{place}" for place in range(CELLS + 1)]
    every, some = contents(Sketch("labels", tuple(range(CELLS + 1)), tuple(range(CELLS))), names)
    assert every.pieces[-2:] == ((f"n{CELLS - 1}, ", False), ("…", False))
    assert some.pieces[-1] == (f"n{CELLS - 1}", False)


def test_bits_are_numbers_and_no_tokens():
    assert input_of(torch.tensor([True, False]), ("so", "on")) == Cells((("1", "1"), ("2", "0")))


class Nested(nn.Module):
    def __init__(self, **_given):
        super().__init__()
        self.layer = nn.Linear(3, 1)
        self.drop = nn.Dropout(0.0)

    def forward(self, image, beside):
        return self.layer(self.drop(image.mean((1, 2, 3))[:, None] + beside["numbers"]))


def nested():
    draw = torch.Generator().manual_seed(0)
    numbers = torch.randn(40, 3, generator=draw)
    return {"image": torch.rand(40, 1, 4, 4, generator=draw), "beside": {"numbers": numbers}}, numbers[:, 0]


class Hinge:
    """A task whose rows have no loss, and which draws nothing."""

    measures = (Measure("hinge", "lower"),)
    whole = {}

    def check(self, targets, where="targets"):
        pass

    def width(self, targets):
        return 1

    def check_outputs(self, outputs, targets):
        pass

    def loss(self, outputs, targets):
        return (1 - outputs[:, 0] * targets.sign()).clamp(min=0).mean()

    def rows(self, outputs, targets):
        hinge = (1 - outputs[:, 0] * targets.sign()).clamp(min=0)
        return {"hinge": hinge.double(), "count": torch.ones(len(targets), dtype=torch.float64)}

    def totals(self, outputs, targets):
        return {name: row.sum(0) for name, row in self.rows(outputs, targets).items()}

    def trained(self, outputs, targets, loss):
        return self.totals(outputs, targets)

    def figures(self, sums):
        return {"hinge": float(sums["hinge"] / sums["count"])}

    def guess(self, targets):
        return torch.zeros(1, 1)

    def strata(self, targets):
        return None

    def shown(self, outputs, targets):
        return None


NESTED = {"name": "tests.report.test_odd_samples:Nested"}, {"name": "tests.report.test_odd_samples:nested"}


def test_nested_inputs_are_left_out_and_their_targets_shown(tmp_path):
    changed = found(trained(tmp_path, "regression", *NESTED))
    assert changed.arms["half"]
    assert all(one.input is None and one.after is not None for one in changed.arms["half"])


def test_two_models_are_at_hand_at_a_time(tmp_path, monkeypatch):
    results = trained(tmp_path, "regression", *NESTED, rates=(0.1, 0.2, 0.3, 0.5))
    made, there = [], []

    def watched(models):
        there.append(sum(model() is not None for model in made))
        model = only(models)
        made.append(weakref.ref(model))
        return model

    monkeypatch.setattr(droplab.execution.changed_samples, "only", watched)
    assert all(one.after for drawn in found(results).arms.values() for one in drawn)
    assert there == [0, 1, 1, 1, 1]


def test_a_task_without_a_loss_of_samples_is_trained_and_has_no_panel(tmp_path):
    results = trained(tmp_path, {"name": "tests.report.test_odd_samples:Hinge"}, *NESTED)
    assert {run.state for run in results.record.runs.values()} == {"done"}
    assert results.samples("half", 0) == {}
    assert found(results) == ChangedSamples({})
    assert samples_of(results) == {"why_not": "", "seed": None, "arms": []}


def test_an_arm_with_too_much_leaves_room_for_the_next(monkeypatch):
    monkeypatch.setattr("droplab.report.samples.MOST_BYTES", 1000)
    large, small = (ChangedSample(0, None, Text((("層" * size, False),)), None, None, 1.0, 2.0) for size in (200, 20))
    drawn = samples(ChangedSamples({"large": (large,), "small": (small,), "same": ()}, 0))["arms"]
    assert [(one["arm"], len(one["samples"]), one["fits"]) for one in drawn] == [
        ("large", 0, False),
        ("small", 1, True),
        ("same", 0, True),
    ]


def test_the_page_says_that_an_arm_changes_nothing(show, tmp_path):
    given = source(("none", "same"), seeds=2, epochs=3)
    path = tmp_path / "same.html"
    for samples_there, said in ((ChangedSamples({"same": ()}, 0), "same loss"), (ChangedSamples({}), None)):
        path.write_text(build_page(given._replace(samples=samples_there)), encoding="utf-8")
        part = show(path).locator("#samples")
        assert part.count() == (said is not None)
        assert said is None or said in part.inner_text()

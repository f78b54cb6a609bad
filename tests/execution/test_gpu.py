"""An experiment on a GPU starts from the CPU's weights, sees its batches and draws its masks."""

from __future__ import annotations

import pytest
import torch

import droplab
from droplab.records import RunKey
from tests.conftest import tiny

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here"),
]


def test_runs_on_a_gpu_follow_those_on_the_cpu(tmp_path):
    arms = [{"name": "none", "p": 0.0}, {"name": "dropout", "p": 0.5}]
    changes = {"seeds": 1, "arms": arms, "recipe": {"epochs": 2, "lr": 1e-4, "optimizer": "sgd"}}
    found = {
        device: droplab.compare(tiny(**changes, compute={"device": device}), out=tmp_path / device).record
        for device in ("cpu", "cuda")
    }
    for arm in ("none", "dropout"):
        here, there = (found[device].runs[RunKey(arm, found[device].seeds[0])] for device in ("cpu", "cuda"))
        assert there.state == "done"
        for name in ("train_loss", "val_loss"):
            assert there.metrics[name] == pytest.approx(here.metrics[name], rel=1e-3)

"""Scripts that train with ``DistributedDataParallel`` under ``droplab launch -- torchrun``."""

from __future__ import annotations

import sys

import pytest
import torch

import droplab
from droplab.execution.launch import Launched
from droplab.spec import LoopSpec
from tests.adapters.scripts import DDP

TORCHRUN = ("-m", "torch.distributed.run", "--nproc-per-node=2")


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Trains the script; its run, and the masks of each sample in each epoch where it came to its end."""
    from tests.adapters.test_launch import SRC

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", SRC)

    def train(name, *words, kill=0, arm=0.5):
        text = f"OUT, KILL = {name!r}, {kill}\n{DDP}"
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        spec = LoopSpec(
            loop=Launched((sys.executable, *words, f"{name}.py"), tmp_path),
            name=name,
            arms=[arm],
            seeds=1,
            compute={"threads": 1},
        )
        (run,) = droplab.compare(spec, out=tmp_path / f"of-{name}").record.runs.values()
        masks = tmp_path / f"{name}.pt"
        return run, torch.load(masks) if masks.exists() else None

    return train


def alone(tmp_path):
    """The same loop with the same global batches in one process, this one."""

    def loop(run):
        text = DDP.replace("run = droplab.run()", "")
        exec(text, {"run": run, "OUT": str(tmp_path / "alone"), "KILL": 0})

    spec = {"arms": [0.5], "seeds": 1, "compute": {"threads": 1}}
    (run,) = droplab.compare(loop, out=tmp_path / "of-alone", **spec).record.runs.values()
    return run, torch.load(tmp_path / "alone.pt")


def test_two_ranks_train_with_the_masks_and_to_the_losses_of_one_process(trained, tmp_path):
    (one, wanted), (two, masks) = alone(tmp_path), trained("two", *TORCHRUN)
    assert (one.state, two.state) == ("done", "done"), two.reason
    assert wanted.unique().tolist() == [0.0, 1.0]
    assert 0.4 < wanted.mean() < 0.6
    assert torch.equal(masks, wanted)
    for name in ("val_loss", "fit_loss"):
        assert two.metrics[name] == pytest.approx(one.metrics[name], rel=1e-5)  # gradients are added in another order


@pytest.mark.prove  # eighteen processes that load torch
def test_a_killed_rank_is_named_and_the_run_continues_to_the_numbers_of_one_that_was_not(trained, tmp_path):
    whole, _ = trained("whole", *TORCHRUN)
    for kill in (1, 2):  # the first rank in the second epoch, the second rank in the third
        name = f"killed{kill}"
        (tmp_path / "killed").unlink(missing_ok=True)
        first, masks = trained(name, *TORCHRUN, kill=kill)
        assert (first.state, first.epochs_done, masks) == ("failed", kill, None)
        assert f"rank {kill - 1} of {name}.py was lost, and with it the other one" in first.reason
        assert first.reason.endswith(f"rank {kill - 1} dies")
        second, _ = trained(name, *TORCHRUN, kill=kill)
        assert second.state == "done", second.reason
        for measured in ("val_loss", "fit_loss"):
            assert second.metrics[measured] == whole.metrics[measured]

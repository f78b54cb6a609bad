"""Runs on two nodes of a Ray cluster: the contract, equality to the bit, and what is lost on the way."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

pytest.importorskip("ray", reason="ray is not installed (pip install 'droplab[ray]')")

import droplab
from droplab.execution.checkpoint import CheckpointStore
from droplab.ledger import FILE_NAME
from droplab.results import Results
from tests.execution.executors.two_nodes import PATIENCE, ROOT, Nodes
from tests.training.asking import compared

pytestmark = [pytest.mark.prove, pytest.mark.timeout(900), pytest.mark.filterwarnings("default")]  # Ray's own
LOOP = """
import pathlib
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset

import droplab

X = torch.randn(96, 4, generator=torch.Generator().manual_seed(0))
Y = X[:, :1].sin()


class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 1))


def train(run):
    model = run.prepare(Net)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    loader = run.loader(TensorDataset(X[:64], Y[:64]), batch_size=16)
    hold = pathlib.Path("hold")  # of the working directory, where nodes go too; no part of the code
    for epoch in run.epochs(6, optimizer=optimizer):
        while epoch >= 2 and hold.exists():  # until the test has seen what it waits for
            time.sleep(0.05)
        for a, b in loader:
            with run.step():
                optimizer.zero_grad()
                F.mse_loss(model(a), b).backward()
                optimizer.step()
        model.eval()
        with torch.no_grad():
            run.report(val_loss=F.mse_loss(model(X[64:]), Y[64:]))
        model.train()


def compare(out, **compute):
    return droplab.compare(train, name="loop", arms=[0, 0.5], seeds=2, out=out, compute={"threads": 1, **compute})


if __name__ == "__main__":
    compare(sys.argv[1], executor="ray", address=sys.argv[2])
"""


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    found = Nodes(tmp_path_factory.mktemp("nodes"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    """The same loop, one run after another in this process."""
    space = {"__name__": "loop"}
    exec(LOOP, space)
    return space["compare"](tmp_path_factory.mktemp("serial") / "out")


def driver(nodes, folder, hold=False):
    """A driver in a process of its own; where they are to hold, runs stop after two epochs until ``hold`` is gone."""
    (folder / "loop.py").write_text(LOOP, encoding="utf-8")
    if hold:
        (folder / "hold").touch()
    command = [sys.executable, "loop.py", str(folder / "out"), nodes.address]
    return subprocess.Popen(
        command, cwd=folder, env=nodes.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def finished(process):
    said = process.communicate(timeout=PATIENCE * 3)[0].decode()
    assert process.returncode == 0, said


def until(folder, process, what):
    """What an unfinished ledger says, once it says something; a driver that has ended says why it never will."""
    end, told = time.monotonic() + PATIENCE, "nothing"
    while time.monotonic() < end:
        ended = process.poll() is not None
        if (folder / "out" / FILE_NAME).exists():
            record = Results.read(folder / "out").record
            if found := what(record):
                return found
            told = [(event.kind, dict(event.detail)) for event in record.events]
        assert not ended, process.communicate()[0].decode()
        time.sleep(0.2)
    raise AssertionError(f"it never came; the ledger says {told}")


def weights(results):
    return [CheckpointStore(one).latest().state["models"] for one in sorted((results.folder / "runs").iterdir())]


def assert_equal(found, wanted):
    assert compared(found.record) == compared(wanted.record)
    for ours, theirs in zip(weights(found), weights(wanted), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_metrics_and_weights_are_those_of_the_serial_executor(nodes, serial, tmp_path):
    finished(driver(nodes, tmp_path))
    found = Results.read(tmp_path / "out")
    assert_equal(found, serial)
    placed = {event.detail["node"] for event in found.record.events if event.kind == "placed"}
    assert len(placed) == 2
    with droplab.ledger.open_experiment(tmp_path / "out") as ledger:
        assert ledger.design()["plan"] == {
            "executor": "ray", "workers": 0, "threads": 1, "precision": "the loop's own precision", "device": "cpu",
        }  # fmt: skip


def test_the_houses_loop_is_sent_its_data_and_equals_serial(nodes, tmp_path):
    spec = """
name = "house"
seeds = 2
[data]
name = "fashion-mnist-mini"
train_size = 200
[recipe]
epochs = 2
precision = "float32"
[compute]
threads = 1
"""
    (tmp_path / "spec.toml").write_text(spec, encoding="utf-8")
    words = [sys.executable, "-m", "droplab", "compare", "spec.toml"]
    for out, more in (("serial", ["--executor", "serial"]), ("ray", ["--executor", "ray", "--address", nodes.address])):
        subprocess.run(
            [*words, "--out", out, *more], cwd=tmp_path, env=nodes.environment, check=True, timeout=PATIENCE * 3
        )
    one, two = (Results.read(tmp_path / out) for out in ("serial", "ray"))
    assert compared(two.record) == compared(one.record)
    for run in (one, two):
        assert {found.state for found in run.record.runs.values()} == {"done"}
    for key in one.record.runs:
        ours, theirs = (results.model(key.arm, key.seed).state_dict() for results in (one, two))
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_a_driver_that_is_killed_and_started_again_continues(nodes, serial, tmp_path):
    first = driver(nodes, tmp_path, hold=True)
    until(tmp_path, first, lambda record: any(run.epochs_done == 2 for run in record.runs.values()))
    first.kill()
    first.communicate()
    (tmp_path / "hold").unlink()
    before = {key: run.epochs_done for key, run in Results.read(tmp_path / "out").record.runs.items()}
    assert 2 <= sum(before.values()) <= 4
    finished(driver(nodes, tmp_path))
    assert_equal(Results.read(tmp_path / "out"), serial)


def test_the_contract_holds(nodes):
    """In a process of its own: Ray reads its token's place when it is imported, and takes signals for itself."""
    file = Path(__file__).with_name("contract_on_ray.py")
    environment = {**nodes.environment, "RAY_ADDRESS": nodes.address}
    words = [sys.executable, "-m", "pytest", "-q", "-W", "default", "-p", "no:cacheprovider", str(file)]
    done = subprocess.run(words, cwd=ROOT, env=environment, timeout=840, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout.splitlines()[0]


def test_a_lost_node_loses_no_epoch_and_results_stay_equal(nodes, serial, tmp_path):
    """Lost while each node has a run after its second epoch. The last test, as the node stays lost."""
    process = driver(nodes, tmp_path, hold=True)

    def both_hold(record):
        placed = {event.detail["node"]: event.run for event in record.events if event.kind == "placed"}
        return len(placed) == 2 and all(record.runs[key].epochs_done == 2 for key in placed.values())

    def done(record):
        return sorted(run.epochs_done for run in record.runs.values())

    def lost(record):
        return [event for event in record.events if "was lost on" in event.detail.get("text", "")]

    until(tmp_path, process, both_hold)
    assert done(Results.read(tmp_path / "out").record) == [0, 0, 2, 2], "a node with one CPU has one run at a time"
    nodes.kill_second()
    told = [event.detail["text"] for event in until(tmp_path, process, lost)]
    assert len(told) == 1, told
    assert "and begins again after its last epoch" in told[0]
    assert done(Results.read(tmp_path / "out").record) == [0, 0, 2, 2]
    (tmp_path / "hold").unlink()
    finished(process)
    found = Results.read(tmp_path / "out")
    assert_equal(found, serial)
    assert len(lost(found.record)) == 1
    assert not [event for event in found.record.events if event.kind == "run forgotten"]

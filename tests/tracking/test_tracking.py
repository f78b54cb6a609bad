"""Sinks that misbehave do not touch training; sinks that were cut short are healed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from filelock import FileLock

import droplab
from droplab.cli import main
from droplab.errors import LockedError, SinkError, UserError
from droplab.listener import Listener
from droplab.tracking import check_sinks, mirror
from droplab.tracking.follow import run_identity
from tests.conftest import tiny


class Hears(Listener):
    def __init__(self):
        self.said = []

    def say(self, text):
        self.said.append(text)


def deciding(results) -> dict:
    times = {"seconds", "images_per_second"}
    return {k: {n: v for n, v in r.metrics.items() if n not in times} for k, r in results.record.runs.items()}


MISBEHAVIOUR = {
    "Raises": "no more <b>room</b>",
    "RaisesAtOnce": "cannot begin",
    "Hangs": "did not finish",
    "Dies": "exit code 7",
}


@pytest.mark.parametrize(("sink", "word"), MISBEHAVIOUR.items())
def test_training_goes_on_whatever_a_sink_does(tmp_path, monkeypatch, finished, sink, word):
    monkeypatch.setenv("DROPLAB_TRACK_GRACE", "5")
    hears = Hears()
    results = droplab.compare(tiny(), out=tmp_path / "x", track=[f"tests.tracking.broken:{sink}"], listener=hears)
    assert deciding(results) == deciding(finished)
    said = [text for text in hears.said if word in text]
    assert len(said) == 1
    assert f"droplab export sink tests.tracking.broken:{sink} {tmp_path / 'x'}" in said[0]


def test_a_sink_that_is_well_has_the_last_word(tmp_path):
    hears = Hears()
    droplab.compare(tiny(seeds=1), out=tmp_path / "x", track=["tests.tracking.broken:Well"], listener=hears)
    assert hears.said[-1] == "all well"


def test_on_request_a_failing_sink_is_an_error_of_ours(finished):
    with pytest.raises(SinkError, match="RuntimeError: no more"):
        mirror(finished.folder, "tests.tracking.broken:Raises")
    with pytest.raises(SinkError, match="RaisesAtOnce failed: "):
        mirror(finished.folder, "tests.tracking.broken:RaisesAtOnce")


def test_a_sink_is_written_by_one_at_a_time(finished, tmp_path):
    sink = "tests.tracking.broken:Well"
    with (
        FileLock(finished.folder / ".tests.tracking.broken-Well.lock"),
        pytest.raises(LockedError, match=r"is being written to tests.tracking.broken:Well by another process\. Wait"),
    ):
        mirror(finished.folder, sink)
    assert mirror(finished.folder, sink) == ("all well",)
    with pytest.raises(UserError, match="holds no experiment"):
        mirror(tmp_path / "nowhere", sink)
    assert not (tmp_path / "nowhere").exists()


def test_a_sink_may_take_the_verdict_and_want_nothing_anew(finished):
    assert mirror(finished.folder, "tests.tracking.broken:KeepsNothing", finished.conclusion()) == ("all well",)


def test_mistakes_are_said_before_anything_is_trained(tmp_path, monkeypatch, capsys):
    with pytest.raises(UserError, match="did you mean 'wandb'"):
        check_sinks(["wandbb"])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'droplab\[mlflow\]'"):
        check_sinks(["mlflow"])
    with pytest.raises(SystemExit) as end:
        main(["compare", "--track", "nope", "--out", str(tmp_path / "x")])
    assert end.value.code == 2
    assert not (tmp_path / "x").exists()
    with pytest.raises(SystemExit) as end:
        main(["export", "tensorboard", str(tmp_path)])
    assert end.value.code == 2


def test_identities_differ_by_experiment_arm_and_seed():
    keys = [droplab.records.RunKey(arm, seed) for arm in ("a", "b") for seed in (0, 1)]
    assert len({run_identity(e, key) for e in ("1", "2") for key in keys}) == 8


SPEC = """
name = "tracked"
seeds = 1
[data]
train_size = 400
[recipe]
epochs = 6
precision = "float32"
[compute]
executor = "serial"
threads = 1
"""


@pytest.mark.prove
@pytest.mark.parametrize(("sink", "trace"), [("tensorboard", "*/events*"), ("wandb", "wandb/offline-run-*/*.wandb")])
def test_after_sigkill_export_heals(tmp_path, monkeypatch, sink, trace):
    """The training is killed while a sink is fed; continuing and exporting leaves every epoch once."""
    from tests.tracking.test_sinks import TestTensorboard, TestWandb

    monkeypatch.setenv("WANDB_MODE", "offline")
    contract = {"tensorboard": TestTensorboard, "wandb": TestWandb}[sink]()

    (tmp_path / "spec.toml").write_text(SPEC, encoding="utf-8")
    command = [sys.executable, "-m", "droplab", "compare", str(tmp_path / "spec.toml"), "--out", str(tmp_path / "x")]
    process = subprocess.Popen([*command, "--track", sink], start_new_session=True, stderr=subprocess.DEVNULL)
    home = tmp_path / "x" / "tracking" / sink
    deadline = time.monotonic() + 60
    while not list(home.glob(trace)) and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(2.5)  # the killed training's sink sees its input end
    mirror(tmp_path / "x", sink)
    with droplab.ledger.Ledger.open(tmp_path / "x" / "ledger.sqlite") as ledger:
        contract.check(tmp_path / "x", ledger)


def test_nothing_in_the_working_directory_stands_for_a_package(tmp_path, monkeypatch):
    """A ``tensorboard.py`` or ``json.py`` beside the data is not run; a sink's own neighbours are found."""
    monkeypatch.chdir(tmp_path)
    for name in ("json", "numpy", "droplab", "sqlite3", "tensorboard"):
        (tmp_path / f"{name}.py").write_text("open('was_run', 'w').close()\nraise SystemExit(9)\n", encoding="utf-8")
    (tmp_path / "neighbour.py").write_text("WORD = 'found'\n", encoding="utf-8")
    (tmp_path / "own_sink.py").write_text(
        "class Own:\n"
        "    def __init__(self, folder): pass\n"
        "    def start(self, run): return 0\n"
        "    def epoch(self, run, measurement): pass\n"
        "    def end(self, run, state, reason): pass\n"
        "    def close(self):\n"
        "        import neighbour\n"
        "        return (neighbour.WORD,)\n",
        encoding="utf-8",
    )
    hears = Hears()
    droplab.compare(tiny(seeds=1), out=tmp_path / "x", track=["own_sink:Own", "tensorboard"], listener=hears)
    assert "found" in hears.said
    assert not (tmp_path / "was_run").exists()


def test_passwords_of_addresses_are_masked(tmp_path, monkeypatch, finished):
    address = "http://me:SECRET@127.0.0.1:9/x"
    monkeypatch.setenv("SINK_ADDRESS", address)
    hears = Hears()
    droplab.compare(tiny(seeds=1), out=tmp_path / "x", track=["tests.tracking.broken:Talks"], listener=hears)
    assert any("http://***@127.0.0.1:9/x" in text for text in hears.said)
    logs = [path.read_text(encoding="utf-8") for path in (tmp_path / "x" / "tracking").glob("*.log")]
    assert "http://***@127" in "".join(logs)
    with pytest.raises(SinkError) as caught:
        mirror(finished.folder, "tests.tracking.broken:Talks")
    assert not any("SECRET" in text for text in [*hears.said, *logs, str(caught.value)])


@pytest.mark.parametrize("grace", ["abc", "-1", "nan", "inf", "1e9"])
def test_a_grace_that_is_none(monkeypatch, grace):
    monkeypatch.setenv("DROPLAB_TRACK_GRACE", grace)
    with pytest.raises(UserError, match="a number of seconds within"):
        droplab.tracking.Tracker(Listener(), [])

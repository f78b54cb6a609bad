from __future__ import annotations

import contextlib
import dataclasses
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest
import torch

import droplab
from droplab.errors import (
    DesignError,
    FailureError,
    InterruptedRunError,
    LedgerError,
    LockedError,
    ModelError,
    SpecError,
    UserError,
)
from droplab.execution import final_evaluation
from droplab.execution.changed_images import changed_images
from droplab.execution.checkpoint import CheckpointStore
from droplab.execution.engine import interrupted_error
from droplab.execution.lock import folder_lock
from droplab.execution.signals import StopFlag
from droplab.ledger import Ledger, read_experiment
from droplab.listener import Listener
from droplab.records import RunKey
from droplab.results import Results
from tests.conftest import TINY, tiny

TIMES = {"seconds", "images_per_second"}


def figures(folder) -> dict:
    """Every metric but the clock's, and the final weights, of every run."""
    record = read_experiment(folder)
    found = {}
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        for key, run in record.runs.items():
            state = CheckpointStore(folder / "runs" / f"{ledger.run_id(key):04d}").final(record.epochs).state
            weights = {name: value.numpy().tobytes() for name, value in state["model"].items()}
            found[key] = ({k: v for k, v in run.metrics.items() if k not in TIMES}, weights, ledger.histograms(key))
    return found


def test_a_finished_experiment_is_whole(finished):
    record = finished.record
    assert [str(key) for key in record.runs] == [
        "no dropout · seed 0",
        "dropout 0.25 · seed 0",
        "no dropout · seed 1",
        "dropout 0.25 · seed 1",
    ]
    for run in record.runs.values():
        assert (run.state, run.epochs_done) == ("done", 2)
        assert {"train_loss", "fit_accuracy", "val_loss", "gap", "lr", "p/drop1"} <= run.metrics.keys()
    frame = finished.to_pandas()
    assert len(frame) == 8
    assert set(frame["epoch"]) == {1, 2}
    assert "Train longer" in str(finished)  # two epochs turn nothing
    assert [effect.endpoint for effect in finished.effects] == ["as_deployed"]  # the others wait for its answer


def test_running_again_changes_nothing(finished):
    again = droplab.compare(tiny(), out=finished.folder)
    assert again.record.runs == finished.record.runs


class StopAfter(Listener):
    def __init__(self, epochs):
        self.left = epochs

    def epoch(self, key, measurement):
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize(("epochs", "words"), [(1, "1 epoch is kept"), (2, "2 epochs are kept")])
def test_what_is_kept_is_counted(finished, epochs, words):
    flag = StopFlag()
    flag.signal = signal.SIGINT
    key, run = next(iter(finished.record.runs.items()))
    record = dataclasses.replace(finished.record, runs={key: dataclasses.replace(run, epochs_done=epochs)})
    assert words in str(interrupted_error(flag, record, finished.folder))


@pytest.mark.parametrize("executor", ["serial", "process"])
def test_interrupted_and_continued_is_bit_identical(finished, tmp_path, executor):
    compute = {"executor": executor, "threads": 1}
    spec = tiny(compute=compute)
    out = tmp_path / "run"
    with pytest.raises(InterruptedRunError, match="Run the same command again") as caught:
        droplab.compare(spec, out=out, listener=StopAfter(3))
    assert caught.value.exit_code == 130
    assert any(run.state != "done" for run in read_experiment(out).runs.values())
    droplab.compare(spec, out=out)
    assert figures(out) == figures(finished.folder)


def test_a_truncated_checkpoint_falls_back_and_says_so(finished, tmp_path):
    out, said = tmp_path / "run", []
    spec = tiny(recipe={"epochs": 3})
    with contextlib.suppress(InterruptedRunError):
        droplab.compare(spec, out=out, listener=StopAfter(2))
    newest = max((out / "runs").glob("*/epoch-*.ckpt"))
    newest.write_bytes(newest.read_bytes()[:5000])

    class Hear(Listener):
        def say(self, text):
            said.append(text)

    droplab.compare(spec, out=out, listener=Hear())
    assert any("truncated" in text for text in said)
    whole = droplab.compare(spec, out=tmp_path / "whole")
    assert figures(out) == figures(whole.folder)


def test_more_seeds_enlarge_and_are_confessed(tmp_path):
    spec = tiny(recipe={"epochs": 1}, seeds=1)
    droplab.compare(spec, out=tmp_path / "run")
    results = droplab.compare(tiny(recipe={"epochs": 1}, seeds=2), out=tmp_path / "run")
    assert results.record.seeds == (0, 1)
    assert results.record.looks == 1
    assert "Seeds were added 1 time after" in results.text()


def test_another_experiment_in_the_folder(finished):
    with pytest.raises(DesignError, match=r"recipe.lr: 0.001 there, 0.01 here"):
        droplab.compare(tiny(recipe={"lr": 0.01}), out=finished.folder)


def test_fresh_takes_a_new_folder(finished):
    results = droplab.compare(tiny(recipe={"epochs": 1}, seeds=1), out=finished.folder, fresh=True)
    assert results.folder.name == "tiny-2"


def test_the_second_process_says_so(finished):
    held, done = threading.Event(), threading.Event()

    def hold():
        with folder_lock(finished.folder):
            held.set()
            done.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(20)
    try:
        with pytest.raises(LockedError, match="in use by process"):
            droplab.compare(tiny(seeds=3), out=finished.folder)
    finally:
        done.set()
        thread.join()


def test_the_test_set_opens_once_and_is_counted(tmp_path):
    results = droplab.compare(tiny(recipe={"epochs": 1}, seeds=1), out=tmp_path / "run")
    assert results.record.test_openings == 0
    outcome = final_evaluation(results.runs[0])
    assert 0 <= outcome.accuracy <= 1
    assert outcome.loss > 0
    assert Results.read(results.folder).record.test_openings == 1


def test_other_data_do_not_open_it(finished, tmp_path):
    shutil.copytree(finished.folder, tmp_path / "x")
    with Ledger.open(tmp_path / "x" / "ledger.sqlite") as ledger:
        ledger.set_design("data_fingerprint", "other")
    results = Results.read(tmp_path / "x")
    with pytest.raises(DesignError, match=r"the data 'fashion-mnist-mini' is not what .* was started with"):
        final_evaluation(results.runs[0])
    with Ledger.open(tmp_path / "x" / "ledger.sqlite") as ledger:
        assert ledger.read().test_openings == 0
        assert changed_images(ledger, results.record).why_not == "data"


def test_an_unfinished_run_does_not_open_it(tmp_path):
    with contextlib.suppress(InterruptedRunError):
        droplab.compare(tiny(), out=tmp_path / "run", listener=StopAfter(1))
    record = Results.read(tmp_path / "run")
    with pytest.raises(UserError):
        final_evaluation(next(run for run in record.runs if record.record.runs[run.key].state != "done"))
    assert Results.read(tmp_path / "run").record.test_openings == 0


def test_a_run_that_diverges_is_recorded_and_the_others_go_on(tmp_path):
    results = droplab.compare(tiny(recipe={"lr": 1e30}, seeds=1), out=tmp_path / "run")
    states = {key.arm: run for key, run in results.record.runs.items()}
    assert {run.state for run in states.values()} == {"failed"}
    assert "the output of conv2" in states["no dropout"].reason
    assert "step 2" in states["no dropout"].reason
    assert "failed and is left out" in results.text()


def raising(shape, classes):
    raise RuntimeError("my own mistake")


def wrong_shape(shape, classes):
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, classes + 1), torch.nn.Dropout(0.5))


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"model": {"name": "tests.execution.test_engine:raising"}}, ModelError, "my own mistake"),
        ({"model": {"name": "tests.execution.test_engine:wrong_shape"}}, ModelError, r"\(32, 10\)"),
        ({"recipe": {"batch_size": 101}}, SpecError, "101 is larger than the training set"),
        ({"arms": [{"name": "a", "p": {"drp1": 0.1}}]}, SpecError, r"arms\[0\].p.*drop1, drop2"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(tmp_path, changes, error, words):
    with pytest.raises(error, match=words):
        droplab.compare(tiny(**changes), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(FailureError, match="--out DIR"):
        droplab.compare(tiny(), out=tmp_path / "file" / "run")


def test_a_full_disk_loses_nothing(tmp_path, monkeypatch):
    spec, out, saves = tiny(seeds=1), tmp_path / "run", []
    import droplab.execution.checkpoint as module

    real = module.os.fsync

    def full(descriptor):
        saves.append(descriptor)
        if len(saves) == 2:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(module.os, "fsync", full)
    with contextlib.suppress(FailureError):
        droplab.compare(spec, out=out)
    kept = read_experiment(out)
    assert sum(run.epochs_done for run in kept.runs.values()) >= 1
    assert any(run.state != "done" for run in kept.runs.values())
    monkeypatch.undo()
    assert {run.state for run in droplab.compare(spec, out=out).record.runs.values()} == {"done"}


def test_ledgers_that_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match="holds no experiment"):
        read_experiment(tmp_path)
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"not a database, not at all" * 50)
    with pytest.raises(LedgerError):
        read_experiment(tmp_path)
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
        db.execute("CREATE TABLE t (x)")
        db.commit()
    with pytest.raises(LedgerError, match=r"version 99.*Upgrade"):
        read_experiment(tmp_path)


def test_names_of_arms_may_be_anything(tmp_path):
    arms = [{"name": "../../<b>基準</b>"}, {"name": "a/b 'c' \"d\" 🙂", "p": 0.5}]
    results = droplab.compare(tiny(arms=arms, seeds=1, recipe={"epochs": 1}), out=tmp_path / "run")
    assert RunKey("a/b 'c' \"d\" 🙂", 0) in results.record.runs
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


@pytest.mark.parametrize("how", ["file", pytest.param("standard input", marks=pytest.mark.prove)])
def test_a_script_needs_no_guard(tmp_path, how):
    """Workers do not import the script that starts them; what it prints, it prints once."""
    spec = {**TINY, "seeds": 1, "compute": {"executor": "process", "workers": 1, "threads": 1}}
    call = f"droplab.compare({spec!r}, out={str(tmp_path / 'out')!r})"
    text = f"print('once')\nimport droplab\nprint({call}.verdict.alpha)\n"
    script = tmp_path / "mine.py"
    script.write_text(text, encoding="utf-8")
    given = {"args": [sys.executable, script]} if how == "file" else {"args": [sys.executable, "-"], "input": text}
    ran = subprocess.run(capture_output=True, text=True, check=False, **given)
    assert (ran.returncode, ran.stdout.split(), ran.stderr) == (0, ["once", "0.05"], "")
    assert {run.state for run in read_experiment(tmp_path / "out").runs.values()} == {"done"}

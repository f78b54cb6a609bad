"""What user code, displays, signals and interruptions may do to a set of runs: nothing that is not said."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import sysconfig
import time
import warnings
from pathlib import Path

import pytest

import droplab
from droplab.errors import DataError, InterruptedRunError, LedgerError, ModelError, SpecError
from droplab.execution import engine, final_evaluation, house
from droplab.execution.checkpoint import CheckpointStore
from droplab.execution.executors import process
from droplab.ledger import FILE_NAME, Ledger, read_experiment
from droplab.listener import Listener
from droplab.records import RunKey
from droplab.results import Results
from droplab.spec import parse_spec
from tests.execution.test_engine import StopAfter, figures

HERE = "tests.execution.misbehaving"
KEY = RunKey("a", 0)
MOVING = {"name": "a", "p": 0.4, "schedule": "curriculum"}
ADAPTIVE = {"name": "a", "p": 0.2, "schedule": {"name": "adaptive-gap", "target": -1.0, "gain": 0.1}}


def small(model="linear", executor="serial", **changes):
    where = "tests.ledger.small" if model == "linear" else HERE
    values = {
        "name": "small",
        "data": {"name": f"{HERE}:data"},
        "model": {"name": f"{where}:{model}"},
        "recipe": {"epochs": 2, "batch_size": 16, "precision": "float32"},
        "seeds": 1,
        "arms": [{"name": "a"}, {"name": "b", "p": 0.5}],
        "compute": {"executor": executor, "workers": 2, "threads": 1},
    }
    return parse_spec({**values, **changes})


class Hear(Listener):
    def __init__(self):
        self.said, self.seen = [], []

    def say(self, text):
        self.said.append(text)

    def opened(self, record, plan, folder):
        self.seen.append((record, plan, folder))


# user code --------------------------------------------------------------------------------------

DOES = (
    r"sys\.exit\(0\) was called \(at .*misbehaving\.py:\d+\)",
    r"sys\.exit\(None\) was called",
    r"UnprintableError: \(its text cannot be had: RuntimeError\)",
    r"OSError: caf\\udce9\.txt",
    "EOFError: my own end",
    "BrokenPipeError: my own pipe",
    r"ValueError: x{2000} … \(1000000 characters\)",
)


@pytest.mark.parametrize("executor", ["serial", pytest.param("process", marks=pytest.mark.prove)])
def test_whatever_a_model_raises_is_its_runs_reason_and_the_others_go_on(tmp_path, executor):
    arms = [{"name": f"{number}", "p": number / 10} for number in range(len(DOES))]
    results = droplab.compare(small("by_rate", executor=executor, arms=arms), out=tmp_path / "x")
    for reason, run in zip(DOES, results.record.runs.values(), strict=True):
        assert (run.state, run.epochs_done) == ("failed", 1)
        assert re.search(reason, run.reason), run.reason[:300]


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"model": "exits_when_built"}, ModelError, r"called sys\.exit\(3\) \(at .*misbehaving"),
        ({"model": "exits_in_eval"}, ModelError, r"sys\.exit\(0\) was called \(at .*misbehaving"),
        ({"data": {"name": f"{HERE}:data_that_exits"}}, DataError, r"called sys\.exit\(0\) \(at .*misbehaving"),
        (
            {"data": {"name": "tests.execution.exits_on_import:data"}},
            DataError,
            r"importing .* called sys\.exit\(2\) \(at .*exits_on_import\.py:5\).*__main__",
        ),
    ],
)
@pytest.mark.parametrize("hooked", [False, True])
def test_an_exit_before_the_runs_is_an_error_of_ours(tmp_path, monkeypatch, hooked, changes, error, words):
    """Also where a library has put itself into the place of ``sys.exit``, as W&B does."""
    if hooked:
        space = {}
        hook = "def exit(code): raise SystemExit(code)"
        exec(compile(hook, str(Path(sysconfig.get_path("purelib")) / "hooks.py"), "exec"), space)
        monkeypatch.setattr(sys, "exit", space["exit"])
    with pytest.raises(error, match=words):
        droplab.compare(small(**changes), out=tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("where", ["model", "model when built", "data"])
def test_a_change_of_directory_moves_nothing(tmp_path, monkeypatch, where):
    monkeypatch.chdir(tmp_path)
    changes = {
        "model": {"model": "changes_directory"},
        "model when built": {"model": "changes_directory_when_built"},
        "data": {"data": {"name": f"{HERE}:data_that_changes_directory"}},
    }[where]
    results = droplab.compare(small(**changes), out="x")
    assert results.folder == tmp_path / "x"
    assert sorted(file.name for file in (tmp_path / "x").iterdir()) == [".lock", FILE_NAME, "runs"]
    assert {run.state for run in results.record.runs.values()} == {"done"}
    assert results.write_page().is_file()


# the display ------------------------------------------------------------------------------------


def test_a_display_that_fails_stops_nothing(tmp_path):
    class Broken(Listener):
        def epoch(self, key, measurement):
            raise SystemExit(1)  # rich, when its pipe is broken

        def opened(self, record, plan, folder):
            raise OSError(28, "No space left on device")

        started = ended = say = epoch

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        record = droplab.compare(small(), out=tmp_path / "x", listener=Broken()).record
    assert {run.state for run in record.runs.values()} == {"done"}
    assert [str(one.message) for one in seen] == [
        "the progress display failed (OSError: [Errno 28] No space left on device); training goes on"
    ]


# a set given again ------------------------------------------------------------------------------


def test_a_finished_set_given_again_loads_nothing(tmp_path, monkeypatch):
    spec = small(executor="process")
    first = droplab.compare(small(executor="serial"), out=tmp_path / "x")
    before = (tmp_path / "x" / FILE_NAME).read_bytes()
    for home, name in (
        (house, "split_of"),
        (house, "check_experiment"),
        (house, "lay_out_for"),
        (engine, "ProcessExecutor"),
        (engine, "folder_lock"),
    ):
        monkeypatch.setattr(home, name, lambda *_args, **_options: pytest.fail("nothing is left to do"))
    hear = Hear()
    again = droplab.compare(spec, out=tmp_path / "x", listener=hear)
    assert again.record == first.record
    assert (tmp_path / "x" / FILE_NAME).read_bytes() == before
    ((record, plan, folder),) = hear.seen
    assert (record, folder) == (first.record, str(tmp_path / "x"))
    assert plan["executor"] == "serial"


def test_workers_are_no_more_than_runs(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(process, "_Worker", lambda job: started.append(job) or pytest.skip.Exception)
    monkeypatch.setattr(process.ProcessExecutor, "_expect_ready", lambda self, one: None)
    for workers, runs in ((6, 2), (2, 6), (1, 1)):
        job = type("RunSet", (), {"plan": type("Plan", (), {"workers": workers})})
        executor = process.ProcessExecutor(job)
        started.clear()
        executor.start(runs)
        assert len(started) == min(workers, runs)
    started.clear()
    process.ProcessExecutor(job).run([], None, lambda: False)
    assert started == []


def test_runs_that_a_kill_left_unplanned_are_planned(tmp_path):
    """A droplab that enlarged in three steps, killed between them: the spec has the seeds, the table has not."""
    droplab.compare(small(), out=tmp_path / "x")
    with Ledger.open(tmp_path / "x" / FILE_NAME) as ledger:
        ledger.set_design("spec", {**ledger.design()["spec"], "seeds": [0, 1]})
    record = droplab.compare(small(seeds=2), out=tmp_path / "x").record
    assert [run.state for run in record.runs.values()] == ["done"] * 4


def test_a_ledger_without_runs_and_environment_is_continued(tmp_path):
    """A droplab that made ledgers in three steps, killed after the first."""
    whole = droplab.compare(small(), out=tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "x")
    with contextlib.closing(sqlite3.connect(tmp_path / "x" / FILE_NAME)) as db:
        for table in ("metrics", "histograms", "predictions", "events", "environments", "runs"):
            db.execute(f"DELETE FROM {table}")
        for table in ("seals", "epoch_seals", "folds", "samples"):
            db.execute(f"DROP TABLE {table}")
        db.execute("PRAGMA user_version = 2")
        db.commit()
    droplab.compare(small(), out=tmp_path / "x")
    assert figures(tmp_path / "x") == figures(whole.folder)


def test_damaged_runs_are_trained_again(tmp_path):
    whole = droplab.compare(small(), out=tmp_path / "x")
    expected = figures(tmp_path / "x")
    with contextlib.closing(sqlite3.connect(tmp_path / "x" / FILE_NAME)) as db:
        db.execute("UPDATE metrics SET value = 0 WHERE run = 2 AND epoch = 1 AND name = 'val_loss'")
        db.commit()
    with pytest.raises(LedgerError, match=r"damaged.*b · seed 0 from epoch 2 on"):
        Results.read(tmp_path / "x")
    hear = Hear()
    droplab.compare(small(), out=tmp_path / "x", listener=hear)
    assert "b · seed 0: what the ledger had from epoch 2 on was damaged; the run is trained again" in hear.said
    assert figures(tmp_path / "x") == expected
    assert whole.folder == tmp_path / "x"


@pytest.mark.parametrize("how", ["deleted", "moved"])
def test_a_ledger_that_goes_away_ends_the_set_with_the_truth(tmp_path, how):
    class TakeAway(StopAfter):
        def ended(self, key, state, reason):
            if key == KEY:
                if how == "deleted":
                    shutil.rmtree(tmp_path / "x")
                else:
                    (tmp_path / "x").rename(tmp_path / "y")

    with pytest.raises(LedgerError, match="was deleted or moved while the experiment ran"):
        droplab.compare(small(), out=tmp_path / "x", listener=TakeAway(99))
    assert not (tmp_path / "x").exists()
    if how == "moved":
        droplab.compare(small(), out=tmp_path / "y")
        droplab.compare(small(), out=tmp_path / "whole")
        assert figures(tmp_path / "y") == figures(tmp_path / "whole")


# numbers without an upper bound -----------------------------------------------------------------


@pytest.mark.parametrize("seeds", [20240101, 10**30, list(range(10_001))])
def test_too_many_seeds(seeds):
    with pytest.raises(SpecError, match="10000" if isinstance(seeds, int) else "10000|10,000"):
        parse_spec({"seeds": seeds})
    if isinstance(seeds, int):
        with pytest.raises(SpecError, match=rf"write \[{seeds}\] for one seed"):
            parse_spec({"seeds": seeds})


@pytest.mark.parametrize("threads", [10**6, 10**10])
def test_too_many_threads(tmp_path, threads):
    spec = small(compute={"threads": threads})
    with pytest.raises(SpecError, match=r"compute\.threads.* cores"):
        droplab.compare(spec, out=tmp_path / "x")
    assert not (tmp_path / "x").exists()


# what a model keeps -----------------------------------------------------------------------------


def interrupted(spec, out, epochs):
    hear = Hear()
    with contextlib.suppress(InterruptedRunError):
        droplab.compare(spec, out=out, listener=StopAfter(epochs))
    droplab.compare(spec, out=out, listener=hear)
    return [text for text in hear.said if "continues otherwise" in text]


@pytest.mark.parametrize("model", ["NonPersistent", "Counting", "OwnGenerators"])
def test_state_beside_the_state_dict_is_resumed(tmp_path, model):
    spec = small(model, arms=[{"name": "a", "p": 0.2}], recipe={"epochs": 3, "batch_size": 16, "precision": "float32"})
    assert interrupted(spec, tmp_path / "x", 2) == []
    droplab.compare(spec, out=tmp_path / "whole")
    assert figures(tmp_path / "x") == figures(tmp_path / "whole")


def test_state_that_no_checkpoint_finds_is_told_of(tmp_path):
    spec = small("Remembering", arms=[{"name": "a", "p": 0.2}])
    (said,) = interrupted(spec, tmp_path / "x", 1)
    assert re.search(r"a · seed 0 continues otherwise than it was.*epoch 1.*outside its state_dict", said)
    record = read_experiment(tmp_path / "x")
    assert said in [event.detail.get("text") for event in record.events]
    assert ("continues_otherwise", "a") in [(notice.code, notice.arm) for notice in record.notices]


@pytest.mark.parametrize("changes", [{}, {"arms": [MOVING]}, {"arms": [ADAPTIVE]}])
@pytest.mark.parametrize("model", ["RandomInEval", "weight_scaling"])
def test_nothing_is_told_where_nothing_is_lost(tmp_path, model, changes):
    spec = small(model, **{"arms": [{"name": "a", "p": 0.2}], **changes})
    assert interrupted(spec, tmp_path / "x", 1) == []


@pytest.mark.parametrize(
    ("model", "words", "epochs"),
    [
        ("ExtraState", r"model\._extra_state\.where\.0 is a pathlib\.\w*Path", 0),
        ("LateExtraState", r"model\._extra_state is a numpy\.float64", 1),
    ],
)
def test_a_state_that_cannot_be_read_again_is_refused_at_once(tmp_path, model, words, epochs):
    for run in droplab.compare(small(model), out=tmp_path / "x").record.runs.values():
        assert (run.state, run.epochs_done) == ("failed", epochs)
        assert re.search(words, run.reason)
        assert "get_extra_state" in run.reason
    with Ledger.open(tmp_path / "x" / FILE_NAME) as ledger:
        assert ledger.open_runs() == []  # the same would come again


def test_finished_runs_keep_one_checkpoint_without_optimiser(tmp_path):
    results = droplab.compare(small(), out=tmp_path / "x")
    for number in (1, 2):
        (path,) = (tmp_path / "x" / "runs" / f"{number:04d}").iterdir()
        assert path.name == "epoch-000002.ckpt"
        assert CheckpointStore(path.parent).final(2).state.keys() == {"model", "beside", "schedules"}
    assert final_evaluation(results.runs[0]).loss > 0


def test_files_of_another_life_are_not_continued_from(tmp_path):
    store = CheckpointStore(tmp_path)
    for epoch in (8, 9):
        store.save(epoch, {"epoch": epoch})
    (tmp_path / "epoch-abc.ckpt").write_bytes(b"what is this")
    store.save(1, {"epoch": 1})
    assert store.latest().epochs_done == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-000001.ckpt", "epoch-abc.ckpt"]


# signals ----------------------------------------------------------------------------------------

DRIVER = """
import sys, droplab
import droplab.execution.signals as signals, droplab.execution.executors.process as process
from tests.execution.test_reliability import small
if __name__ == "__main__":
    signals.GRACE_SECONDS, process.PATIENCE_SECONDS = 1.0, 0.5
    class Tell(droplab.Listener):
        def epoch(self, key, measurement):
            print("epoch", flush=True)
    try:
        droplab.compare(small("hangs", executor=sys.argv[1]), out=sys.argv[2], listener=Tell())
    except droplab.errors.InterruptedRunError as problem:
        sys.exit(problem.exit_code)
"""


@pytest.mark.prove
@pytest.mark.parametrize(("executor", "group"), [("serial", False), ("process", False), ("process", True)])
def test_sigterm_ends_a_driver_whose_model_hangs(tmp_path, executor, group):
    (tmp_path / "driver.py").write_text(DRIVER, encoding="utf-8")
    driver = subprocess.Popen(
        [sys.executable, tmp_path / "driver.py", executor, tmp_path / "x"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with driver:
        for _ in range(1 if executor == "serial" else 2):
            assert driver.stdout.readline() == b"epoch\n"
        time.sleep(0.5)
        (os.killpg if group else os.kill)(driver.pid, signal.SIGTERM)
        assert driver.wait(20) == 143
    states = [run.state for run in read_experiment(tmp_path / "x").runs.values()]
    assert states == (["interrupted", "planned"] if executor == "serial" else ["interrupted", "interrupted"])

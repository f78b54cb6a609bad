"""Loops in worker processes: by name or by value, equal to the bit, and refused where they cannot go."""

import multiprocessing
import os
import subprocess
import sys
import threading
import warnings

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import droplab
from droplab.cli.translating import translate
from droplab.cli.warned import told_warnings
from droplab.execution.executors.warned import Heard
from tests.training.asking import compared, short
from tests.training.loops import MEASURES, Net, X, regression

pytestmark = pytest.mark.usefixtures("one_thread")
TWO = {"executor": "process", "workers": 2, "threads": 1}


def interrupted_once(path):
    """A loop of this test's own, which stops the driver in its second epoch, once; it goes to workers by value.

    What it starts itself is started as here: a forked loader's worker needs no name for the data set.
    """
    method = multiprocessing.get_start_method()

    class Rows(TensorDataset):
        pass

    def train(run):
        assert multiprocessing.get_start_method() == method
        if method == "fork":
            assert len(list(DataLoader(Rows(X), batch_size=X.shape[0], num_workers=1))) == 1

        def stop(epoch):
            if epoch == 1 and not path.exists():
                path.touch()
                os.kill(os.getppid(), 2)

        regression(run, before_report=stop, workers=1)

    return train


def test_processes_give_the_figures_of_one(tmp_path):
    one = droplab.compare(regression, arms=[0, 0.5], seeds=2, measures=MEASURES, out=tmp_path / "one")
    loop = interrupted_once(tmp_path / "was here")
    call = {"arms": [0, 0.5], "seeds": 2, "measures": MEASURES, "out": tmp_path / "two", "compute": TWO}
    with pytest.raises(droplab.FailureError, match="stopped by Ctrl-C"):
        droplab.compare(loop, **call)
    states = {run.state for run in droplab.Results.read(tmp_path / "two").record.runs.values()}
    assert "interrupted" in states
    two = droplab.compare(loop, **call)
    assert compared(two.record) == compared(one.record)
    assert {run.state for run in two.record.runs.values()} == {"done"}
    assert not two.record.notices


def test_what_a_run_tells_reaches_the_ledger(tmp_path):
    def train(run):
        run.prepare(Net)
        if run.arm.p:
            os._exit(3)
        for _ in range(2 + run.seed):
            with run.step():
                pass
            run.report(val_loss=0.5)

    record = droplab.compare(train, arms=[0, 0.5], seeds=2, out=tmp_path / "o", compute=TWO).record
    runs = list(record.runs.values())
    assert [run.state for run in runs] == ["done", "failed", "done", "failed"]
    assert "exit code 3" in runs[1].reason
    assert record.epochs == 3
    assert {"starts_again", "keyed_by_place"} <= {notice.code for notice in record.notices}


def test_warnings_of_workers_are_heard_once_in_the_language_of_the_command(tmp_path, capsys, monkeypatch):
    text = "the progress display failed (it is gone); training goes on"

    def train(run):
        warnings.warn(text, RuntimeWarning, stacklevel=1)
        short(run)

    monkeypatch.setenv("DROPLAB_BACKEND", "reference")  # Numba keeps warnings to itself while it compiles
    monkeypatch.setattr("droplab.cli.words._spoken", ["ja"])
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        with told_warnings():
            droplab.compare(train, arms=[0, 0.5], seeds=1, out=tmp_path / "o", compute=TWO)
    said = translate(text, "ja")
    assert said != text
    assert capsys.readouterr().err == f"droplab: 注意: {said}\n"


def test_in_python_a_warning_of_a_worker_is_a_warning_here():
    heard = Heard()
    with warnings.catch_warnings(record=True) as seen:
        for _ in range(2):  # of two workers
            warnings.simplefilter("default")  # makes registries forget
            heard.hear("it goes on", RuntimeWarning, "loop.py", 3)
    assert [(str(one.message), one.category, one.filename) for one in seen] == [
        ("it goes on", RuntimeWarning, "loop.py")
    ]
    shown = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.showwarning = lambda message, *_: shown.append(str(message))
        heard.hear("it is no error here", UserWarning, "loop.py", 4)
    assert shown == ["it is no error here"]


def test_a_script_without_a_guard_and_its_own_classes(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        """
import torch, droplab
class Net(torch.nn.Sequential):
    def __init__(self):
        super().__init__(torch.nn.Linear(4, 4), torch.nn.Dropout(0.1), torch.nn.Linear(4, 1))
x = torch.randn(32, 4)
def train(run):
    model = run.prepare(Net)
    for _ in run.epochs(1):
        with run.step():
            model(x).sum().backward()
        run.report(val_loss=0.5)
found = droplab.compare(train, arms=[0, 0.5], seeds=1, out="out", compute={"executor": "process", "workers": 2})
print({run.state for run in found.record.runs.values()})
""",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.stdout == "{'done'}\n", done.stderr


def test_what_is_too_large_or_cannot_go_is_refused_before_anything_starts(tmp_path):
    large, lock = torch.zeros(13_000_000), threading.Lock()

    def heavy(run):
        short(run, large)

    def locked(run):
        short(run, lock)

    for loop, words in (
        (heavy, r"more than 50 MB .*shape \(13000000,\)"),
        (locked, "cannot be sent"),
    ):
        with pytest.raises(droplab.UserError, match=words):
            droplab.compare(loop, arms=[0], seeds=1, out=tmp_path / loop.__name__, compute=TWO)

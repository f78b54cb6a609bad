"""``droplab launch``: scripts that behave, and some that do not."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

import droplab
from droplab.cli import main
from droplab.errors import InterruptedRunError
from droplab.execution.launch import Launched
from droplab.execution.launch_command import check_command
from droplab.results import Results
from droplab.spec import LoopSpec
from tests.adapters.scripts import MASKS, TRAIN

SRC = str(Path(droplab.__file__).parents[1])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", SRC)
    return tmp_path


def launched(folder, text, *words, arms=(0.5,), seeds=1, file="train.py", **options):
    (folder / file).write_text(text, encoding="utf-8")
    command = (sys.executable, *words, str(file))
    spec = LoopSpec(loop=Launched(command, folder), name="script", arms=list(arms), seeds=seeds, compute={"threads": 1})
    return droplab.compare(spec, out=folder / "out", **options)


def reasons(results):
    return {key.seed: run.reason for key, run in results.record.runs.items()}


def test_a_script_that_is_killed_then_stopped_continues_to_the_numbers_of_one_that_was_not(folder):
    """The kill comes after the first epoch's checkpoint; the script changes directory and prints megabytes. Then
    Ctrl-C, which ends what it has started, too."""

    def loop(run):
        torch.set_num_threads(1)
        exec(TRAIN.replace("run = droplab.run()", ""), {"run": run})

    whole = droplab.compare(loop, arms=[0.5], seeds=1, compute={"threads": 1}, out=folder / "whole").record
    disturbed = TRAIN.replace(
        "for a, b in loader:",
        """import os, pathlib, signal, subprocess, sys, tempfile, time
    mark, started = (pathlib.Path(__file__).with_name(name) for name in ("killed", "started"))
    if epoch == 0:
        print("x" * 3_000_000, flush=True)
        os.chdir(tempfile.mkdtemp())
    if epoch == 1 and not mark.exists():
        mark.touch()
        print("about to die", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    if epoch == 1 and not started.exists():
        other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        started.with_name("new").write_text(f"{os.getpid()} {other.pid}")
        started.with_name("new").rename(started)
        while True:
            with run.step():
                time.sleep(0.05)
    for a, b in loader:""",
    )
    first = launched(folder, disturbed)
    (run,) = first.record.runs.values()
    assert run.state == "failed"
    assert run.epochs_done == 1
    assert "by signal 9" in run.reason
    assert run.reason.endswith("about to die")
    assert len((folder / "out" / "runs" / "0001" / "output.txt").read_bytes()) == 65_536

    thread = threading.Thread(target=ctrl_c_when_it_has, args=(folder / "started",))
    thread.start()
    with pytest.raises(InterruptedRunError, match=r"1 epoch is kept.*Run the same command again") as stopped:
        launched(folder, disturbed)
    thread.join()
    assert stopped.value.exit_code == 130
    for process in map(int, (folder / "started").read_text().split()):
        assert is_gone(process)

    third = launched(folder, disturbed)
    (run,), (wanted,) = third.record.runs.values(), whole.runs.values()
    assert run.state == "done"
    for name in ("val_loss", "fit_loss"):
        assert run.metrics[name] == wanted.metrics[name]
    with pytest.raises(droplab.UserError, match=r"made by a script.*loop=train"):
        third.model("dropout 0.5", 0)
    model = third.model("dropout 0.5", 0, loop=loop)
    x = torch.randn(96, 4, generator=torch.Generator().manual_seed(0))
    found = F.mse_loss(model(x[64:]), x[64:, :1].sin())
    assert found.item() == run.metrics["val_loss"][-1]


def is_gone(process):
    for _ in range(50):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def ctrl_c_when_it_has(file):
    for _ in range(1000):
        if file.exists():
            os.kill(os.getpid(), signal.SIGINT)
            return
        time.sleep(0.1)


def test_scripts_that_end_otherwise_are_told_and_others_go_on(folder):
    text = """
import os, sys
number = len(os.listdir("."))
open(f"started-{number}", "w")
started = len([name for name in os.listdir(".") if name.startswith("started")])
if started == 2:
    print("no such file", file=sys.stderr)
    sys.exit(3)
"""
    results = launched(folder, text, seeds=2)
    found = reasons(results)
    assert "train.py ended and never called droplab.run(). Add to it: run = droplab.run()" in found[0]
    assert "train.py ended with exit code 3 before it called droplab.run(). Its last lines:" in found[1]
    assert found[1].endswith("    no such file")
    launched(folder, text + "\n# another, of which nothing was measured\nx = 1\n", seeds=2)


@pytest.mark.prove  # five processes that load torch
def test_ranks_have_the_masks_of_one_process_and_a_lost_one_is_named(folder):
    launched(folder, MASKS, file="masks.py")
    results = None
    (folder / "two").mkdir()
    os.chdir(folder / "two")
    results = launched(folder / "two", MASKS, "-m", "torch.distributed.run", "--nproc-per-node=2", seeds=2)

    def rows(name):
        return [dict(zip(ids, masks, strict=True)) for ids, masks in json.loads((folder / name).read_text())]

    one, left, right = (rows(name) for name in ("masks-0-1-0.json", "two/masks-0-2-0.json", "two/masks-0-2-1.json"))
    assert len(one) == 6
    assert [{**a, **b} for a, b in zip(left, right, strict=True)] == one
    runs = {key.seed: run for key, run in results.record.runs.items()}
    assert runs[0].state == "done"
    assert "rank 1 of train.py was lost" in runs[1].reason
    assert runs[1].reason.endswith("rank one says goodbye")


def test_the_command_line_and_other_code(folder):
    text = """
import droplab, sys, torch
assert sys.argv[1:] == ["--lr", "3"]
run = droplab.run()
run.prepare(lambda: torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout()))
for epoch in run.epochs(1):
    run.report(val_f1=0.5)
"""
    (folder / "train.py").write_text(text, encoding="utf-8")
    words = ["launch", "--arms", "0.5", "--seeds", "1", "--measure", "f1:higher", "--threads", "1", "--out", "out"]
    script = ["--", sys.executable, "train.py", "--lr", "3"]
    main([*words, *script])
    record = Results.read(folder / "out").record
    assert [run.metrics["val_f1"] for run in record.runs.values()] == [(0.5,)]
    assert record.name == "train.py"
    (folder / "train.py").write_text(text.replace("f1=0.5", "f1=0.6"), encoding="utf-8")
    with pytest.raises(SystemExit, match="2"):
        main([*words, *script])
    main([*words, "--accept-changed-code", *script])


@pytest.mark.parametrize(
    ("command", "variable", "said"),
    [
        ((), "", "got no command"),
        (("torchrun", "--nnodes", "2", "train.py"), "", "runs the ranks of one node"),
        (("torchrun", "--nnodes=1:2", "train.py"), "", "runs the ranks of one node"),
        (("python", "train.py"), "WORLD_SIZE", "was started by torchrun"),
        (("python", "train.py"), "DROPLAB_RUN", "within a run of another"),
    ],
)
def test_commands_that_are_refused(command, variable, said, monkeypatch):
    if variable:
        monkeypatch.setenv(variable, "2")
    with pytest.raises(droplab.UserError, match=said):
        check_command(command)

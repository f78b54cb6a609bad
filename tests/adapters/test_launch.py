"""``droplab launch``: scripts that behave, and some that do not."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import torch

import droplab
from droplab.cli import main
from droplab.comparison import Results
from droplab.execution.launch import Launched
from droplab.execution.launch_command import check_command
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


def test_a_killed_script_continues_to_the_numbers_of_one_that_was_not(folder):
    """The kill comes after the first epoch's checkpoint; the script changes directory and prints megabytes."""

    def loop(run):
        torch.set_num_threads(1)
        exec(TRAIN.replace("run = droplab.run()", ""), {"run": run})

    whole = droplab.compare(loop, arms=[0.5], seeds=1, compute={"threads": 1}, out=folder / "whole").record
    killed = TRAIN.replace(
        "for a, b in loader:",
        """import os, pathlib, signal, tempfile
    mark = pathlib.Path(__file__).with_name("killed")
    if epoch == 0:
        print("x" * 3_000_000, flush=True)
        os.chdir(tempfile.mkdtemp())
    if epoch == 1 and not mark.exists():
        mark.touch()
        print("about to die", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    for a, b in loader:""",
    )
    first = launched(folder, killed)
    (run,) = first.record.runs.values()
    assert run.state == "failed"
    assert run.epochs_done == 1
    assert "by signal 9" in run.reason
    assert run.reason.endswith("about to die")
    assert len((folder / "out" / "runs" / "0001" / "output.txt").read_bytes()) == 65_536
    second = launched(folder, killed)
    (run,), (wanted,) = second.record.runs.values(), whole.runs.values()
    assert run.state == "done"
    for name in ("val_loss", "fit_loss"):
        assert run.metrics[name] == wanted.metrics[name]


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

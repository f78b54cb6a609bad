"""SIGKILL at random moments, resume, compare every bit. Minutes long: ``make prove``."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from droplab.ledger import Ledger, read_experiment
from tests.execution.test_engine import figures

SPEC = """
name = "kill"
seeds = 3
[data]
train_size = 400
[recipe]
epochs = 4
precision = "float32"
[compute]
executor = "{executor}"
threads = 1
[[arms]]
name = "constant"
p = 0.25
[[arms]]
name = "adaptive"
p = 0.25
schedule = {{drop1 = "curriculum", drop2 = {{name = "adaptive-site-gap", target = -1.0, gain = 0.02}}}}
"""


def start(tmp_path, name, executor):
    spec = tmp_path / f"{executor}.toml"
    spec.write_text(SPEC.format(executor=executor), encoding="utf-8")
    command = [sys.executable, "-m", "droplab", "compare", str(spec), "--out", str(tmp_path / name)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


@pytest.mark.prove
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("executor", "kills"), [("process", 14), ("serial", 6)])
def test_twenty_kills_leave_no_trace(tmp_path, executor, kills):
    began = time.monotonic()
    assert start(tmp_path, "whole", executor).wait() == 0
    whole_seconds = time.monotonic() - began
    rng = random.Random(1)
    moments, folders = [], 1
    while len(moments) < kills:
        process = start(tmp_path, f"killed{folders - 1}", executor)
        moment = rng.uniform(0.1, 0.7) * whole_seconds
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL) if len(moments) % 3 else process.kill()
            process.wait()
            time.sleep(1.0)  # workers of a killed driver see their pipe close and leave
            moments.append(round(moment, 2))
        else:  # this set ended before the moment came; the next kills want another
            folders += 1
    expected = figures(tmp_path / "whole")
    for number in range(folders):
        folder = tmp_path / f"killed{number}"
        assert start(tmp_path, folder.name, executor).wait() == 0
        assert figures(folder) == expected
        record = read_experiment(folder)
        assert all(run.state == "done" and run.epochs_done == 4 for run in record.runs.values())
        with Ledger.open(folder / "ledger.sqlite") as ledger:
            rows, distinct = ledger._db.execute(
                "SELECT COUNT(*), COUNT(DISTINCT run || '/' || epoch || '/' || name) FROM metrics"
            ).fetchone()
        with Ledger.open(tmp_path / "whole" / "ledger.sqlite") as ledger:
            assert rows == distinct == ledger._db.execute("SELECT COUNT(*) FROM metrics").fetchone()[0]
    print(f"{len(moments)} kills in progress, at seconds {moments}, of an uninterrupted {whole_seconds:.1f}")
    assert len(moments) == kills

"""SIGKILLs over loops of the user's own and both executors, with counts. A minute or two: ``make prove``."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.mark.prove
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("executor", "kills"), [("serial", 24), ("process", 6)])
def test_kills_of_loops_leave_no_trace(tmp_path, executor, kills):
    ran = subprocess.run(
        [sys.executable, "-m", "tests.execution.loop_kills", executor, str(kills), tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    print(f"{executor}: {found}")
    assert found["kills"] >= kills
    assert (found["stuck"], found["differ"]) == (0, 0)

"""What a sink and the processes it starts may take of the processor."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

AUTOGROUP = Path("/proc/self/autogroup")

PARENT = """
import subprocess, sys
from droplab.tracking.priority import stay_low
stay_low()
reads = [sys.executable, "-c", "import sys; sys.stdin.read()"]
child = subprocess.Popen(reads, stdin=sys.stdin, start_new_session=True)
print(child.pid, flush=True)
child.wait()
"""


def _start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="this system has no niceness")
def test_niceness_is_the_lowest():
    with _start() as parent:
        parent.stdout.readline()
        assert os.getpriority(os.PRIO_PROCESS, parent.pid) == 19
        parent.stdin.close()


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="this system does not share by sessions")
def test_sessions_are_lowered_too_and_ours_is_not():
    before = AUTOGROUP.read_text()
    with _start() as parent:
        child = int(parent.stdout.readline())
        deadline = time.monotonic() + 20
        for process in (parent.pid, child):
            while "nice 19" not in (said := Path(f"/proc/{process}/autogroup").read_text()):
                assert time.monotonic() < deadline, said
                time.sleep(0.05)
        parent.stdin.close()
    assert AUTOGROUP.read_text() == before


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="this system does not share by sessions")
def test_a_session_that_is_shared_stays_as_it_is():
    before = AUTOGROUP.read_text()
    code = "from droplab.tracking.priority import stay_low; stay_low()"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert AUTOGROUP.read_text() == before

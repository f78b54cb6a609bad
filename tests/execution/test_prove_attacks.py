"""Kills, full disks, read-only disks and damage, with counts. Minutes long: ``make prove``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

OWN_MOUNTS = ("unshare", "--mount")


def counts(name, tmp_path, *before):
    ran = subprocess.run(
        [*before, sys.executable, "-m", "tests.execution.attack", name, tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    print(f"{name}: {found}")
    return found


def may_mount() -> bool:
    if os.geteuid() or not shutil.which("unshare"):
        return False
    return subprocess.run([*OWN_MOUNTS, "mount", "-t", "tmpfs", "none", "/mnt"], check=False).returncode == 0


@pytest.mark.prove
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", ["creation", "enlarging"])
def test_a_kill_at_any_step_leaves_no_trace(tmp_path, name):
    found = counts(name, tmp_path)
    assert found["kills"] > 90
    assert (found["stuck"], found["differ"]) == (0, 0)


@pytest.mark.prove
@pytest.mark.timeout(1200)
def test_files_that_cannot_grow_leave_no_trace(tmp_path):
    found = counts("disk", tmp_path)
    assert found["hit"] > 10
    assert (found["tracebacks"], found["stuck"], found["differ"]) == (0, 0, 0)


@pytest.mark.prove
@pytest.mark.timeout(1200)
def test_full_and_read_only_disks(tmp_path):
    if not may_mount():
        pytest.skip("file systems cannot be mounted here")
    found = counts("tmpfs", tmp_path, *OWN_MOUNTS)
    assert found["full"] > 5
    assert (found["tracebacks"], found["stuck"], found["differ"], found["unreadable"]) == (0, 0, 0, 0)
    assert found["pages"] == found["read-only, given again"] == found["disks"]


@pytest.mark.prove
@pytest.mark.timeout(1200)
def test_damaged_checkpoints_leave_no_trace(tmp_path):
    found = counts("checkpoints", tmp_path)
    assert found["files"] >= 40
    assert (found["stuck"], found["differ"]) == (0, 0)


@pytest.mark.prove
@pytest.mark.timeout(1200)
def test_a_damaged_ledger_never_gives_other_figures(tmp_path):
    found = counts("ledgers", tmp_path)
    assert sum(number for kind, number in found.items() if "refused" in kind) > 300
    assert not [kind for kind in found if "silent" in kind or "traceback" in kind]

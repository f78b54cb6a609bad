"""What a session ran on: versions, hardware, git commit. Kept in the ledger."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import torch

_PACKAGES = ("torch", "numpy", "numba", "pydantic")
BIT_KEYS = ("droplab", "torch", "numpy", "numba", "python", "cpu", "gpu")
"""What must be equal, beside the thread count, for a resumed run to be bit-identical."""


def environment() -> dict[str, Any]:
    """Versions, hardware and the working directory's git commit, JSON-ready."""
    from droplab._version import __version__

    found: dict[str, Any] = {name: _version(name) for name in _PACKAGES}
    found.update(
        droplab=__version__,
        python=platform.python_version(),
        system=platform.platform(),
        cpu=_cpu(),
        cores=cores(),
        gpu=torch.cuda.get_device_name() if torch.cuda.is_available() else "",
        git_commit=_git_commit(),
    )
    return found


def cores() -> int:
    """CPU cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What changed between two environments among the things that decide bits.

    >>> differences({"torch": "2.12"}, {"torch": "2.13"})
    ['torch: 2.12, now 2.13']
    """
    kept = [key for key in BIT_KEYS if key in before]  # older ledgers keep fewer
    return [f"{k}: {before[k]}, now {after.get(k)}" for k in kept if before[k] != after.get(k)]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{named[0] if named else platform.machine()} ({capability})"


def _git_commit() -> str:
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607  # the user's own git
            capture_output=True, text=True, timeout=5, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

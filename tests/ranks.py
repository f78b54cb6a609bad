"""A process group of two for a test: the test's process is one rank, so only one other has to start."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import distributed

ROOT = Path(__file__).parents[1]


def two_ranks(work: Callable[[int], Any], folder: Path) -> list[Any]:
    """What ``work(rank)``, a function of a module of tests, gives on each of two ranks."""
    given = work.__module__, work.__name__, str(folder)
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-c",
        "import sys; from tests.ranks import second; second(*sys.argv[1:])",
    ]
    with subprocess.Popen([*command, *given], cwd=ROOT) as other:
        try:
            with torch.random.fork_rng():
                mine = _carried_out(work, 0, folder)
            assert other.wait(120) == 0
        finally:
            other.kill()
    return [mine, torch.load(folder / "second.pt")]


def second(module: str, name: str, folder: str) -> None:
    """The other rank."""
    torch.set_num_threads(1)
    torch.save(_carried_out(getattr(import_module(module), name), 1, Path(folder)), f"{folder}/second.pt")


def _carried_out(work: Callable[[int], Any], rank: int, folder: Path) -> Any:
    store, limit = f"file://{folder}/store", timedelta(seconds=120)
    distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=2, timeout=limit)
    try:
        return work(rank)
    finally:
        distributed.destroy_process_group()

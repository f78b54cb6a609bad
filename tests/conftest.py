"""Shared fixtures, and a count of what this machine could not test."""

from __future__ import annotations

import os
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

import droplab
from droplab.cli.words import speak
from droplab.spec import ExperimentSpec, parse_spec

collect_ignore_glob = [] if torch.cuda.is_available() else ["*/test_gpu.py"]
"""`make gpu` runs these where there is one."""
collect_ignore = ["execution/exits_on_import.py"]  # as its name says
if find_spec("ray") is None:
    collect_ignore.append("execution/executors/contract_on_ray.py")

os.environ["DROPLAB_LANG"] = "en"  # whatever the developer's system speaks
os.environ.pop("COLUMNS", None)  # how wide a developer's terminal is, or what a process of xdist's is told

TINY = {
    "name": "tiny",
    "data": {"name": "fashion-mnist-mini", "train_size": 100},
    "recipe": {"epochs": 2, "batch_size": 32, "precision": "float32"},
    "seeds": 2,
    "compute": {"executor": "serial", "threads": 1},
}
"""A real experiment of seconds."""


def tiny(**changes: dict) -> ExperimentSpec:
    """``TINY`` with tables laid over it."""
    values = {
        key: {**value, **changes.pop(key, {})} if isinstance(value, dict) else changes.pop(key, value)
        for key, value in TINY.items()
    }
    return parse_spec({**values, **changes})


LONG = (
    "test_notebooks",
    "test_docs",
    "test_browser_controls",
    "test_browser",
    "test_process",
    "test_engine",
    "test_launch",
    "test_ranks",
    "test_training",
    "test_sinks",
    "test_keras",
)
"""Modules with tests of many seconds. They go first, so that no process is left alone with one at the end."""


def pytest_collection_modifyitems(items) -> None:
    items.sort(key=lambda item: item.path.stem not in LONG)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> droplab.Results:
    """A finished tiny experiment; read it, do not change it."""
    return droplab.compare(tiny(), out=tmp_path_factory.mktemp("finished") / "tiny")


@pytest.fixture(autouse=True)
def _english():
    """A process is one command and speaks one language; here tests of many commands share it."""
    speak([])


@pytest.fixture
def one_thread():
    """Thousands of tiny products gain nothing from two threads, and lose a lot where the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def cifar_dir() -> Path:
    """The folder with the original CIFAR-10 files."""
    place = os.environ.get("DROPLAB_DATA", "")
    if not place or not (Path(place) / "cifar-10-batches-py").is_dir():
        pytest.skip("CIFAR-10's files are not here (set DROPLAB_DATA)")
    return Path(place)


def pytest_terminal_summary(terminalreporter) -> None:
    """Say how many tests this machine could not run, and why."""
    reasons = Counter(str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", []))
    terminalreporter.write_line(f"{sum(reasons.values())} tests skipped for what this machine lacks")
    if collect_ignore_glob:
        terminalreporter.write_line("  tests that only a GPU can show were left out: there is none here")
    for reason, count in reasons.items():
        terminalreporter.write_line(f"  {count} × {reason}")

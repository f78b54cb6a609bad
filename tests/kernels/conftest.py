"""Backends under test: where each runs on this machine. Triton runs on the GPU, or else in its interpreter."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

from tests.kernels.cases import Case

Run = Callable[[Case], np.ndarray]


def _interpret() -> None:
    os.environ["TRITON_INTERPRET"] = "1"  # before Triton is imported, hence a process of its own
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def interpret() -> Iterator[Callable[..., Any]]:
    """Calls a function where Triton is interpreted."""
    if importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed here")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _interpret) as pool:
        yield lambda function, *arguments: pool.submit(function, *arguments).result()


@pytest.fixture(scope="session", params=["numba", "triton"])
def run(request: pytest.FixtureRequest) -> Run:
    """A backend that has to equal the reference."""
    if request.param == "numba":
        pytest.importorskip("numba", reason="Numba is not installed here")
        return lambda case: case.run("numba")
    if torch.cuda.is_available():
        return lambda case: case.run("triton", "cuda")
    interpret = request.getfixturevalue("interpret")
    return lambda case: interpret(Case.run, case, "triton")

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import warnings

import pytest
import torch

from droplab.errors import BackendError
from droplab.kernels import BACKENDS, Job, apply, available, backend, chosen, forced
from droplab.kernels import _dispatch as dispatch


def drop(x: torch.Tensor) -> torch.Tensor:
    out = torch.full_like(x, torch.nan)
    apply(x, out, Job(0.5, 1))
    return out


@pytest.fixture
def without(monkeypatch):
    """Makes a package look as if it were not installed."""
    real = importlib.util.find_spec

    def forget() -> None:
        dispatch.available.cache_clear()
        dispatch._missing.cache_clear()

    def hide(package: str) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else real(name))
        monkeypatch.setattr(dispatch, "_on_cpu", {})
        forget()

    yield hide
    monkeypatch.undo()
    forget()


def test_the_cpu_takes_numba_and_the_gpu_triton_where_they_are_installed():
    if available("numba"):
        assert chosen("cpu", torch.bfloat16) == "numba"
    if available("triton"):
        assert chosen("cuda", torch.float32) == "triton"
    assert chosen("mps", torch.float32) == "reference"
    assert chosen("cpu", torch.float8_e4m3fn) == "reference"


@pytest.mark.parametrize(("package", "device"), [("numba", "cpu"), ("triton", "cuda")])
def test_a_missing_package_falls_back_and_says_so_once(without, package, device):
    without(package)
    with pytest.warns(
        RuntimeWarning, match=f"{package} is not installed, so dropout on {device} .*pip install {package}"
    ):
        assert chosen(device, torch.float32) == "reference"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert chosen(device, torch.float64) == "reference"


def test_without_numba_masks_are_the_same(without):
    wanted = drop(torch.ones(500))
    without("numba")
    with pytest.warns(RuntimeWarning, match="numba is not installed"):
        found = drop(torch.ones(500))
    assert torch.equal(found, wanted)


def test_a_missing_package_cannot_be_forced(without):
    without("numba")
    wanted = r"backend\(\) asks for backend 'numba'.*not installed.*pip install numba"
    with pytest.raises(BackendError, match=wanted), backend("numba"):
        pass


def test_a_backend_is_forced_within_the_block_only():
    before = forced()
    with backend("reference"):
        assert chosen("cpu", torch.float32) == forced() == "reference"
        if available("numba"):
            with backend("numba"):
                assert forced() == "numba"
        with pytest.raises(ZeroDivisionError), backend("reference"):
            raise ZeroDivisionError
        assert forced() == "reference"
    assert forced() == before


def test_an_unknown_backend_is_refused_with_a_suggestion():
    wanted = r"backend\(\) asks for backend 'nunba'.*did you mean.*numba"
    with pytest.raises(BackendError, match=wanted), backend("nunba"):
        pass
    assert forced() is None


def test_the_environment_is_read_and_checked(monkeypatch):
    for name in BACKENDS:
        if available(name):
            monkeypatch.setenv("DROPLAB_BACKEND", name)
            assert dispatch._from_environment() == name
    monkeypatch.setenv("DROPLAB_BACKEND", "")
    assert dispatch._from_environment() is None
    monkeypatch.setenv("DROPLAB_BACKEND", "referense")
    with pytest.raises(BackendError, match=r"DROPLAB_BACKEND asks for backend 'referense'.*did you mean.*reference"):
        dispatch._from_environment()


def test_the_environment_forces_a_backend_from_the_start():
    code = "from droplab import kernels; import torch; print(kernels.forced(), kernels.chosen('cpu', torch.float32))"
    environment = {**os.environ, "DROPLAB_BACKEND": "reference"}
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert found.stdout == "reference reference\n", found.stderr


def test_numba_is_refused_off_the_cpu():
    pytest.importorskip("numba", reason="Numba is not installed here")
    with backend("numba"), pytest.raises(BackendError, match=r"'numba' was forced for a tensor on meta; .* CPU only"):
        drop(torch.ones(3, device="meta"))


def test_triton_is_refused_on_the_cpu_unless_it_is_interpreted():
    pytest.importorskip("triton", reason="Triton is not installed here")
    with (
        backend("triton"),
        pytest.raises(BackendError, match=r"'triton' was forced for a tensor on cpu.*TRITON_INTERPRET"),
    ):
        drop(torch.ones(3))


@pytest.mark.parametrize(("number", "enough"), [("3.2.0", False), ("3.3.0", True), ("3.10.1", True), ("4.0", True)])
def test_a_triton_that_is_too_old_is_not_taken(monkeypatch, number, enough):
    monkeypatch.setattr(dispatch, "version", lambda _package: number)
    assert dispatch._new_enough("triton") is enough

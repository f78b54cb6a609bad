from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor

from droplab.kernels import Job, apply, backend

cpu = pytest.importorskip("droplab.kernels.cpu", reason="Numba is not installed here")
pytest.importorskip("numba", reason="Numba is not installed here")


@pytest.fixture
def threads() -> Iterator[None]:
    """Torch's number of threads is set back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def inputs() -> dict[str, tuple[Tensor, Job]]:
    """Large enough for three threads; a residual of units, one of rows, one of strides."""
    x = torch.randn(3, 700, 101, generator=torch.Generator().manual_seed(0))
    return {
        "whole": (x, Job(0.3, 1)),
        "samples": (x, Job(0.3, 1, batch_dim=0, samples=torch.tensor([7, 5, 3]))),
        "rows": (x, Job(0.3, 1, batch_dim=0, shared=(2,))),
        "strided": (x.transpose(1, 2), Job(0.3, 1, batch_dim=0)),
        "halves": (x.bfloat16(), Job(0.3, 1)),
    }


def dropped(x: Tensor, job: Job) -> Tensor:
    out = torch.full_like(x, torch.nan)
    with backend("numba"):
        apply(x, out, job)
    return out


@pytest.mark.parametrize("name", inputs())
@pytest.mark.parametrize("count", [2, 3])
def test_threads_change_nothing(threads, name, count):
    x, job = inputs()[name]
    torch.set_num_threads(1)
    alone = dropped(x, job)
    torch.set_num_threads(count)
    assert torch.equal(dropped(x, job), alone)


def test_python_s_threads_may_call_at_once_the_first_time_too(threads, monkeypatch):
    torch.set_num_threads(2)
    x, _ = inputs()["whole"]
    wanted = [dropped(x, Job(0.3, seed)) for seed in range(8)]
    monkeypatch.setattr(cpu, "_loops", {})
    with backend("numba"), ThreadPoolExecutor(4) as pool:
        outs = [torch.full_like(x, torch.nan) for _ in range(8)]
        list(pool.map(lambda seed: apply(x, outs[seed], Job(0.3, seed)), range(8)))
    assert all(torch.equal(out, one) for out, one in zip(outs, wanted, strict=True))


# NumPy compares, since torch's own threads do not survive a fork
FORK = """
import os, threading, torch
from droplab.kernels import Job, apply, backend
torch.set_num_threads(2)
x, wanted = torch.ones(400_000), torch.empty(400_000)
with backend("numba"):
    apply(x, wanted, Job(0.3, 1))
    assert any("droplab" in thread.name for thread in threading.enumerate())
    child = os.fork()
    for _ in range(3):
        out = torch.empty(400_000)
        apply(x, out, Job(0.3, 1))
        assert (out.numpy() == wanted.numpy()).all()
if child == 0:
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print("both")
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there is no fork on this system")
def test_a_forked_child_of_a_parent_that_used_threads_uses_its_own():
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (found.stdout, found.returncode) == ("both\n", 0), found.stderr


@pytest.mark.parametrize("what", ["tempfile.TemporaryFile", "os.replace"])
def test_where_no_cache_can_be_written_it_compiles_in_memory(monkeypatch, tmp_path, what):
    """No folder lets Numba try its pen, as in a read-only install without a home; or the disk is full afterwards."""
    import numba

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(f"{what}: read-only file system")

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))  # where nothing lies yet
    monkeypatch.setattr(what, refuse)
    with pytest.raises((RuntimeError, OSError), match=r"no locator available|read-only"):
        numba.cfunc("void(int64)", cache=True)(lambda _: None)
    monkeypatch.setattr(cpu, "_loops", {})
    x, job = inputs()["samples"]
    out = torch.full_like(x, torch.nan)
    with backend("reference"):
        apply(x, out, job)
    assert torch.equal(dropped(x, job), out)
    assert list(cpu._loops) == [torch.float32]

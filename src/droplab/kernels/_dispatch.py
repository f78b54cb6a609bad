"""One table: which kernel carries out a job. All of them draw the same masks, so the choice is one of speed."""

from __future__ import annotations

import importlib.util
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import torch
from torch import Tensor

from droplab.errors import BackendError, KeyingError, suggest
from droplab.kernels import reference
from droplab.kernels.job import Job

Kernel = Callable[[Tensor, Tensor, Job, Tensor | None], None]

BACKENDS = ("reference", "numba", "triton")
"""``numba`` runs on the CPU, ``triton`` on CUDA (on the CPU under ``TRITON_INTERPRET=1``), ``reference`` anywhere."""
VARIABLE = "DROPLAB_BACKEND"
"""The environment variable that forces a backend; read when droplab's kernels are first imported."""

_HALF_AND_FULL = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
_DEVICES = {"cpu": "numba", "cuda": "triton"}


@cache
def available(name: str) -> bool:
    """Whether a backend's package is installed, and new enough.

    >>> available("reference")
    True
    """
    return name == "reference" or (importlib.util.find_spec(name) is not None and _new_enough(name))


def _new_enough(name: str) -> bool:
    """Triton takes the kernel's tuples from 3.3 on; torch 2.6 brings 3.2."""
    if name != "triton":
        return True
    for package in ("triton", "pytorch-triton"):
        with suppress(PackageNotFoundError):
            return tuple(int(part) for part in version(package).split(".")[:2]) >= (3, 3)
    return True


def _known(name: str, source: str) -> str:
    if name not in BACKENDS:
        raise BackendError(
            f"{source} asks for backend {name!r}{suggest(name, BACKENDS)}. Known: {', '.join(BACKENDS)}."
        )
    if not available(name):
        raise BackendError(
            f"{source} asks for backend {name!r}, but the package {name} is not installed here. "
            f"Install it, or a newer one (pip install {name} --upgrade), or let droplab choose."
        )
    return name


@contextmanager
def backend(name: str) -> Iterator[None]:
    """Force a backend within the ``with``, for the whole process (backward passes run on other threads).

    Args:
        name: one of ``BACKENDS``.

    Raises:
        BackendError: no such backend, or its package is missing.

    >>> import torch, droplab
    >>> with backend("reference"):
    ...     droplab.functional.dropout(torch.ones(3), p=1.0)
    tensor([0., 0., 0.])
    """
    global _forced  # noqa: PLW0603  # by design one choice for the process
    before, _forced = _forced, _known(name, "backend()")
    try:
        yield
    finally:
        _forced = before


def _from_environment() -> str | None:
    value = os.environ.get(VARIABLE, "")
    return _known(value, VARIABLE) if value else None


@cache
def _missing(name: str, device: str) -> None:
    warnings.warn(
        f"the package {name} is not installed, so dropout on {device} runs droplab's reference kernel: "
        f"the same masks, slower. Install it, or a newer one, with: pip install {name} --upgrade",
        RuntimeWarning,
        stacklevel=2,
    )


def forced() -> str | None:
    """The backend that ``backend()`` or the environment variable forces."""
    return _forced


def chosen(device: str, dtype: torch.dtype) -> str:
    """The backend for tensors of a device type and dtype.

    >>> chosen("cpu", torch.float8_e5m2)
    'reference'
    """
    name = forced()
    if name is None:
        name = _DEVICES.get(device, "reference")
        if name != "reference" and not available(name):
            _missing(name, device)
            return "reference"
    return name if dtype in _HALF_AND_FULL else "reference"


@cache
def _kernel(name: str) -> Kernel:
    if name == "numba":
        from droplab.kernels import cpu

        return cpu.apply
    if name == "triton":
        from droplab.kernels import cuda

        return cuda.apply
    return reference.apply


def apply(x: Tensor, out: Tensor, job: Job, residual: Tensor | None = None) -> None:
    """Carry out a job with the kernel that suits device and dtype.

    Args:
        x: any shape and strides.
        out: written; ``x`` itself or of the same shape and dtype, without overlaps in memory.
        job: the mask and its law.
        residual: added after the mask; of the same shape and dtype; with the plain law only.

    Raises:
        BackendError: a forced backend cannot work on this device.
    """
    if job.batch_dim is not None and isinstance(job.samples, Tensor) and job.samples.ndim:
        check_samples(tuple(x.shape), job.samples, job.batch_dim)
    if _forced is None and x.is_cpu:
        kernel = _on_cpu.get(x.dtype)
        if kernel is None:
            kernel = _on_cpu[x.dtype] = _kernel(chosen("cpu", x.dtype))
        kernel(x, out, job, residual)
        return
    name = chosen(x.device.type, x.dtype)
    check_place(name, x.device)
    if name != "reference" and not all(readable(tensor) for tensor in (x, out, residual) if tensor is not None):
        name = "reference"
    _kernel(name)(x, out, job, residual)


def check_place(name: str, device: torch.device) -> None:
    """Raise where a backend was forced that cannot work on a device."""
    if name == "numba" and device.type != "cpu":
        raise BackendError(f"backend 'numba' was forced for a tensor on {device}; it works on the CPU only")


def readable(x: Tensor) -> bool:
    """Whether what lies at a tensor's address is what the tensor says: no view with the negative bit, no wrapper.

    >>> readable(torch.ones(2)), readable(torch.ones(2, dtype=torch.complex64).conj().imag)
    (True, False)
    """
    return not x.is_neg() and (x.data_ptr() != 0 or x.numel() == 0)


def check_samples(shape: tuple[int, ...], samples: Tensor, dim: int) -> None:
    """A kernel reads one id for each sample; fewer would make it read what is not there."""
    if tuple(samples.shape) != (shape[dim],):
        raise KeyingError(
            f"samples has the shape {tuple(samples.shape)}; an input of shape {shape} whose dimension {dim} "
            f"is that of samples wants one id for each: ({shape[dim]},)"
        )


_forced = _from_environment()
_on_cpu: dict[torch.dtype, Kernel] = {}
"""What ``apply`` takes on the CPU where nothing is forced: looked up once, as a look costs as much as a small job."""

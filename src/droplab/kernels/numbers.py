"""Uniform and normal numbers by the kernel that suits the device; ``wide.py`` says what is right.

The CPU's kernel writes the numbers and allocates nothing else. Elsewhere, and where Numba is missing, torch's
operations of ``wide.py`` are carried out.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import torch
from torch import Tensor

from droplab.kernels import wide
from droplab.kernels._dispatch import check_place, check_samples, chosen
from droplab.kernels._threads import share
from droplab.kernels.job import Job

_WORTH_A_THREAD = 16_384
"""Numbers below which waking another thread costs more than it saves."""
_loops: dict[torch.dtype, Callable[..., None]] = {}


def fill(shape: tuple[int, ...], job: Job, device: torch.device, dtype: torch.dtype, *, normal: bool) -> Tensor:
    """Numbers of ``job``, 1 long along shared dimensions; in any memory layout.

    Args:
        shape: of what is drawn.
        job: seed, step, layer (that of the stream), samples, ``batch_dim`` and ``shared`` are used.
        device: where the numbers are wanted.
        dtype: float32 or float64.
        normal: standard normal numbers, not uniform ones in (0, 1).

    Raises:
        BackendError: a forced backend cannot work on this device.
        KeyingError: not one sample id for each sample.
    """
    if job.batch_dim is not None and isinstance(job.samples, Tensor) and job.samples.ndim:
        check_samples(shape, job.samples, job.batch_dim)
    name = chosen(device.type, dtype)
    check_place(name, device)
    if name == "numba":
        return _on_cpu(shape, job, dtype, normal)
    return (wide.normal if normal else wide.uniform)(shape, job, device).to(dtype)


def _on_cpu(shape: tuple[int, ...], job: Job, dtype: torch.dtype, normal: bool) -> Tensor:
    """Samples lie one after the other in memory, whichever dimension they are."""
    from droplab.kernels._numba_wide import PIECE
    from droplab.kernels.cpu import listed

    dim = job.batch_dim
    own = [1 if d in job.shared else size for d, size in enumerate(shape) if d != dim]
    rows, size = 1 if dim is None else shape[dim], prod(own)
    out = torch.empty([rows, *own], dtype=dtype, device="cpu")
    if out.numel():
        at, first, _alive = listed(job.samples)
        arguments = (
            out.data_ptr(), at, size, int(job.seed) & 0xFFFFFFFFFFFFFFFF, int(job.step) & 0xFFFFFFFF, job.layer,
            first, int(normal),
        )  # fmt: skip
        loop = _loops.get(dtype) or _loop(dtype)
        units = rows * -(-size // PIECE)
        threads = max(1, min(torch.get_num_threads(), units, out.numel() // _WORTH_A_THREAD))
        share(lambda start, stop: loop(*arguments, start, stop), units, threads)
    return out[0] if dim is None else out.movedim(0, dim)


def _loop(dtype: torch.dtype) -> Callable[..., None]:
    from droplab.kernels._numba_wide import compile_fill

    found = _loops[dtype] = compile_fill("float64" if dtype == torch.float64 else "float32")
    return found

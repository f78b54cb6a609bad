"""Uniform and normal numbers by key, for kinds that need more than a yes or no for each unit."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from droplab import rng
from droplab.kernels import numbers, wide
from droplab.kernels.job import Job, Law
from droplab.masks.checking import check_shared, dimensions
from droplab.masks.drop import is_plain, keyed_job
from droplab.masks.internals import mode_of, transforms_active
from droplab.masks.key import Key, named
from droplab.masks.seeds import draw, draw_under_transforms


def uniform(
    like: Tensor, *, key: Key | None = None, stream: int = 1, shape: tuple[int, ...] | None = None,
    shared: tuple[int, ...] = (),
) -> Tensor:  # fmt: skip
    """Numbers in (0, 1), never 0 or 1, constants to autograd; see ``droplab.rng``.

    Args:
        like: whose device, and shape unless ``shape`` is given, they have; float64 where it is, else float32, where
            the largest numbers round to 1.
        key: names the numbers; a seed from torch's default generator where absent.
        stream: 1, 2, ... for layers that draw more than once with one key.
        shape: another shape; ``key.batch_dim`` is the dimension of samples in it.
        shared: dimensions along which one number is shared; the result is 1 long there.

    >>> uniform(torch.ones(2, 3, 4), key=Key(seed=0, layer=1), shared=(2,)).shape
    torch.Size([2, 3, 1])
    """
    return _drawn(False, like, key, stream, shape, shared)


def normal(
    like: Tensor, *, key: Key | None = None, stream: int = 1, shape: tuple[int, ...] | None = None,
    shared: tuple[int, ...] = (),
) -> Tensor:  # fmt: skip
    """Standard normal numbers, constants to autograd. Arguments as for ``uniform``.

    >>> numbers = normal(torch.ones(100_000), key=Key(seed=0, layer=1, batch_dim=None))
    >>> f"{abs(numbers.mean()):.2f} {numbers.std():.2f}"
    '0.00 1.00'
    """
    return _drawn(True, like, key, stream, shape, shared)


def widened(x: Tensor) -> Tensor:
    """A tensor in the dtype that numbers for it are drawn in: float64 where it is that, else float32."""
    return x if x.dtype == torch.float64 else x.float()


def uncast(x: Tensor) -> AbstractContextManager[Any]:
    """Within it autocast leaves dtypes alone; on ``meta``, which torch knows no autocast for, there is none to stop."""
    return nullcontext() if x.is_meta else torch.autocast(x.device.type, enabled=False)


def _drawn(
    gaussian: bool,
    like: Tensor,
    key: Key | None,
    stream: int,
    shape: tuple[int, ...] | None,
    shared: tuple[int, ...],
) -> Tensor:
    """A kernel's where there is memory to write to, else torch's operations, which graphs and transforms trace."""
    shape = tuple(like.shape) if shape is None else shape
    if shared:
        shared = dimensions(shared, len(shape))
    dtype = torch.float64 if like.dtype == torch.float64 else torch.float32
    if torch.compiler.is_compiling() or transforms_active() or not is_plain(like):
        with mode_of(like):
            job = _layered(_traced_job(shape, like, key, shared), stream)
            return (wide.normal if gaussian else wide.uniform)(shape, job, like.device).to(dtype)
    job = Job(0.0, draw(like), shared=shared) if key is None else keyed_job(shape, 0.0, key, shared, Law.PLAIN)
    return numbers.fill(shape, _layered(job, stream), like.device, dtype, normal=gaussian)


def _layered(job: Job, stream: int) -> Job:
    return job._replace(layer=(job.layer + rng.STREAM * stream) & 0xFFFFFFFF)


def _traced_job(shape: tuple[int, ...], like: Tensor, key: Key | None, shared: tuple[int, ...]) -> Job:
    """A job whose tensors are left as they are, so that a tracer sees them."""
    if key is None:
        seed: Tensor = draw_under_transforms(like) if transforms_active() else torch.ops.droplab.draw(like)
        return Job(0.0, seed, shared=shared)
    found, step, samples, batch_dim = named(key, len(shape))
    check_shared(shared, batch_dim)
    return Job(0.0, found, step, key.layer_id, samples, batch_dim, shared)

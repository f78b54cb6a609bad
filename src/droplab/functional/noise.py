"""Uniform and normal numbers by key, for variants that need more than a yes or no for each unit."""

from __future__ import annotations

import torch
from torch import Tensor

from droplab import rng
from droplab.functional.internals import transforms_active
from droplab.functional.key import Key
from droplab.functional.masked import is_plain
from droplab.functional.seeds import draw, draw_for_each
from droplab.kernels import numbers, wide
from droplab.kernels.job import Job


def uniform(
    like: Tensor,
    *,
    key: Key | None = None,
    stream: int = 1,
    shape: tuple[int, ...] | None = None,
    shared: tuple[int, ...] = (),
) -> Tensor:
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
    like: Tensor,
    *,
    key: Key | None = None,
    stream: int = 1,
    shape: tuple[int, ...] | None = None,
    shared: tuple[int, ...] = (),
) -> Tensor:
    """Standard normal numbers, constants to autograd. Arguments as for ``uniform``.

    >>> numbers = normal(torch.ones(100_000), key=Key(seed=0, layer=1, batch_dim=None))
    >>> f"{abs(numbers.mean()):.2f} {numbers.std():.2f}"
    '0.00 1.00'
    """
    return _drawn(True, like, key, stream, shape, shared)


def widened(x: Tensor) -> Tensor:
    """A tensor in the dtype that numbers for it are drawn in: float64 where it is that, else float32."""
    return x if x.dtype == torch.float64 else x.float()


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
    job = _job(like, key, stream, tuple(dim for dim in shared if dim < len(shape)))
    dtype = torch.float64 if like.dtype == torch.float64 else torch.float32
    if torch.compiler.is_compiling() or transforms_active() or not is_plain(like):
        return (wide.normal if gaussian else wide.uniform)(shape, job, like.device).to(dtype)
    return numbers.fill(shape, job, like.device, dtype, normal=gaussian)


def _job(like: Tensor, key: Key | None, stream: int, shared: tuple[int, ...]) -> Job:
    if key is None:
        return Job(0.0, _seed(like), layer=rng.STREAM * stream & 0xFFFFFFFF, shared=shared)
    layer = (key.layer_id + rng.STREAM * stream) & 0xFFFFFFFF
    return Job(0.0, key.seed, key.step, layer, key.samples, key.batch_dim, shared)


def _seed(like: Tensor) -> int | Tensor:
    if torch.compiler.is_compiling():
        seed: Tensor = torch.ops.droplab.draw(like)
        return seed
    return draw_for_each(like) if transforms_active() else draw(like)

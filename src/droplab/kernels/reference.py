"""The readable kernel: torch's integer operations, any device, what the others must equal to the bit.

Also what ``torch.compile`` traces where that is the faster way.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from droplab import rng
from droplab.kernels.geometry import mask_strides
from droplab.kernels.job import ALPHA, Job, Law

_LOW = 0xFFFFFFFF
HALF = (torch.float16, torch.bfloat16)
"""Types that are computed in float32 and rounded once."""


def words(counter: list[Tensor], seed: Tensor) -> list[Tensor]:
    """Philox4x32-10 on int64 tensors that hold 32 bits each; products wrap, which leaves their bits right."""
    c0, c1, c2, c3 = counter
    k0, k1 = seed & _LOW, (seed >> 32) & _LOW
    for _ in range(rng.ROUNDS):
        product_0, product_1 = c0 * rng.MULTIPLIER_0, c2 * rng.MULTIPLIER_1
        c0, c2 = ((product_1 >> 32) & _LOW) ^ c1 ^ k0, ((product_0 >> 32) & _LOW) ^ c3 ^ k1
        c1, c3 = product_1 & _LOW, product_0 & _LOW
        k0, k1 = (k0 + rng.WEYL_0) & _LOW, (k1 + rng.WEYL_1) & _LOW
    return [c0, c1, c2, c3]


def as_tensor(value: int | Tensor, device: torch.device) -> Tensor:
    """64 bits as an int64 tensor."""
    if isinstance(value, Tensor):
        return value.to(device=device, dtype=torch.int64)
    wrapped = (value + (1 << 63)) % (1 << 64) - (1 << 63)  # the same 64 bits, signed
    return torch.tensor(wrapped, dtype=torch.int64, device=device)


def places(shape: tuple[int, ...], job: Job, device: torch.device) -> tuple[Tensor, Tensor]:
    """The element's number and the sample's id at each place, int64, to be broadcast against each other."""
    ndim = len(shape)
    element = torch.zeros((1,) * ndim, dtype=torch.int64, device=device)
    for dim, stride in enumerate(mask_strides(shape, job.batch_dim, job.shared)):
        if dim not in job.shared and dim != job.batch_dim:
            index = torch.arange(shape[dim], dtype=torch.int64, device=device) * stride
            element = element + index.view([-1 if d == dim else 1 for d in range(ndim)])
    sample = as_tensor(job.samples, device)
    if job.batch_dim is not None:
        if sample.ndim == 0:
            sample = sample + torch.arange(shape[job.batch_dim], dtype=torch.int64, device=device)
        sample = sample.view([-1 if d == job.batch_dim else 1 for d in range(ndim)])
    return element, sample


def lanes(shape: tuple[int, ...], job: Job, device: torch.device) -> Tensor:
    """The 16 bits that decide about each element, int64; 1 long along shared dimensions.

    Args:
        shape: of the tensor, ``(N, C, H, W)`` or any other.
        job: key, ``batch_dim`` and ``shared`` are used.
        device: where to compute.
    """
    element, sample = places(shape, job, device)
    block = (element // rng.TILE * rng.WIDTH + element % rng.WIDTH) & _LOW
    lane = element % rng.TILE // rng.WIDTH
    step, layer = as_tensor(job.step, device) & _LOW, torch.full_like(element, job.layer)
    drawn = words([block, sample & _LOW, step, layer], as_tensor(job.seed, device))
    word, index = drawn[0], lane // 2
    for number in (1, 2, 3):
        word = torch.where(index == number, drawn[number], word)
    return (word >> (16 * (lane % 2))) & 0xFFFF


def thresholds(p: float | Tensor, device: torch.device) -> Tensor:
    """``T`` as an int64 0-d tensor."""
    if not isinstance(p, Tensor):
        return torch.tensor(rng.threshold(p), dtype=torch.int64, device=device)
    p = p.to(device=device, dtype=torch.float64)
    inside = torch.floor(p * rng.FULL + 0.5).clamp(1, rng.FULL - 1).to(torch.int64)
    return torch.where(p <= 0, 0, torch.where(p >= 1, rng.FULL, inside))


def keep(shape: tuple[int, ...], job: Job, device: torch.device) -> Tensor:
    """The mask as booleans, True where kept; 1 long along shared dimensions."""
    return lanes(shape, job, device) >= thresholds(job.p, device)


def coefficients(job: Job, device: torch.device) -> tuple[Any, Any, Any]:
    """``(a, b, c)`` of ``Law.coefficients``; float64 0-d tensors where ``p`` is a tensor."""
    if not isinstance(job.p, Tensor):
        return job.law.coefficients(rng.threshold(job.p))
    dropped = thresholds(job.p, device).double()
    rest = torch.where(dropped < rng.FULL, rng.FULL - dropped, 1.0)
    alive = (dropped < rng.FULL).double()
    if job.law is Law.PLAIN:
        return alive * rng.FULL / rest, 0.0, 0.0
    rate = dropped / rng.FULL
    a = alive * torch.rsqrt((ALPHA * ALPHA * rate + 1) * (rest / rng.FULL))  # torch.sqrt may round otherwise
    if job.law is Law.ALPHA_LINEAR:
        return a, 0.0, 0.0
    return a, ALPHA * a * rate, ALPHA * a * (rate - 1)


def apply(x: Tensor, out: Tensor, job: Job, residual: Tensor | None = None) -> None:
    """Write ``kept ? a x + b : c`` (plus ``residual``) into ``out``; halves are computed in float32."""
    out.copy_(compute(x, job, residual))


def compute(x: Tensor, job: Job, residual: Tensor | None = None) -> Tensor:
    """``kept ? a x + b : c`` (plus ``residual``), a new tensor of the input's dtype."""
    wide = torch.float32 if x.dtype in HALF else x.dtype
    a, b, c = (_scalar(value, wide) for value in coefficients(job, x.device))
    value = x.to(wide) * a
    if job.law is Law.ALPHA:
        value = value + b
    dropped = c
    if residual is not None:
        dropped = residual.to(wide)  # as it is: 0 plus -0 would be 0
        value = value + dropped
    return torch.where(keep(tuple(x.shape), job, x.device), value, dropped).to(x.dtype)


def _scalar(value: Any, dtype: torch.dtype) -> Any:
    return value.to(dtype) if isinstance(value, Tensor) else value

"""What a kernel is given, as plain data: every backend builds the same tensors from it, in whatever process.

What comes back are the bits of the whole memory that the output lies in, so a write beside it is seen as well.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from droplab.kernels import Job, Law, apply, backend

DTYPES = {"float32": np.int32, "float64": np.int64, "bfloat16": np.int16, "float16": np.int16}
LAYOUTS = ("contiguous", "reversed", "channels last", "stepped", "offset")
ONLY_READ = (*LAYOUTS, "expanded")
SPECIAL = (0.0, -0.0, float("inf"), -float("inf"), float("nan"), 1e-41, -6e-8, 7e4, 3e38)
EVERY = torch.arange(-32768, 32768, dtype=torch.int32).to(torch.int16)


def empty(shape: tuple[int, ...], layout: str, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The whole memory, full of NaN, and a tensor that lies in it."""
    order = list(range(len(shape)))
    wide = list(shape)
    if layout == "reversed":
        order.reverse()
    elif layout == "channels last" and len(shape) > 1:
        order = [0, *order[2:], 1]
    elif layout == "stepped" and shape:
        wide = [2 * size + 1 for size in shape]
    elif layout == "expanded" and shape:
        wide[len(shape) // 2] = 1
    spare = 1 if layout == "offset" else 0
    memory = torch.full((int(np.prod(wide)) + spare,), torch.nan, dtype=dtype)
    inside = memory[spare:].view([wide[dim] for dim in order]).permute(np.argsort(order).tolist())
    if layout == "stepped" and shape:
        inside = inside[tuple(slice(1, None, 2) for _ in shape)]
    return memory, inside.expand(shape) if layout == "expanded" else inside


def filled(shape: tuple[int, ...], layout: str, dtype: torch.dtype, seed: int) -> tuple[Tensor, Tensor]:
    """The same with normal numbers in it, and some that are not normal at all."""
    memory, inside = empty(shape, layout, dtype)
    draw = np.random.default_rng(seed)
    values = draw.standard_normal(len(memory))
    places = draw.random(len(memory)) < 0.1
    values[places] = draw.choice(SPECIAL, int(places.sum()))
    memory.copy_(torch.from_numpy(values))
    return memory, inside


@dataclass(frozen=True)
class Case:
    """One call of ``apply``."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    p: float = 0.5
    seed: int = 1
    step: int = 0
    layer: int = 0
    samples: int | tuple[int, ...] = 0
    batch_dim: int | None = None
    shared: tuple[int, ...] = ()
    law: Law = Law.PLAIN
    x: str = "contiguous"
    out: str | None = "contiguous"
    """Layout of the output; None writes into the input."""
    residual: str | None = None
    tensors: bool = False
    """Whether ``p``, ``seed``, ``step`` and ``samples`` come as tensors."""
    values: str = "normal"
    """What the input holds: ``normal`` numbers and some special ones, ``ones``, or ``every`` pattern of 16 bits."""

    def job(self, device: str) -> Job:
        """Its job."""
        p, seed, step, samples = self.p, self.seed, self.step, self.samples
        if self.tensors:
            p = torch.tensor(p, dtype=torch.float64, device=device)
            seed = torch.tensor(seed - (seed >> 63 << 64), device=device)
            step = torch.tensor(step, device=device)
        if self.tensors or not isinstance(samples, int):
            samples = torch.tensor(samples, device=device)
        return Job(p, seed, step, self.layer, samples, self.batch_dim, self.shared, self.law)

    def run(self, name: str, device: str = "cpu") -> np.ndarray:
        """The bits that a backend leaves behind; every NaN as the same one."""
        dtype = getattr(torch, self.dtype)
        memory, x = filled(self.shape, self.x, dtype, self.seed % 1000)
        if self.values == "ones":
            memory.fill_(1)
        elif self.values == "every":
            memory.copy_(EVERY.view(dtype))
        memory = memory.to(device)
        x = memory.as_strided(x.shape, x.stride(), x.storage_offset())
        out = x
        if self.out is not None:
            memory, out = empty(self.shape, self.out, dtype)
            memory = memory.to(device)
            out = memory.as_strided(out.shape, out.stride(), out.storage_offset())
        residual = None
        if self.residual is not None:
            added, residual = filled(self.shape, self.residual, dtype, self.seed % 1000 + 1)
            residual = added.to(device).as_strided(residual.shape, residual.stride(), residual.storage_offset())
        with backend(name):
            apply(x, out, self.job(device), residual)
        memory[memory.isnan()] = torch.nan
        return memory.cpu().view(getattr(torch, DTYPES[self.dtype].__name__)).numpy()

    def shards(self, parts: int) -> list[Case]:
        """The same batch in so many parts, each with its samples' ids."""
        assert isinstance(self.samples, int)
        assert self.batch_dim == 0
        edges = [self.shape[0] * part // parts for part in range(parts + 1)]
        return [
            replace(self, shape=(stop - start, *self.shape[1:]), samples=tuple(range(start, stop)))
            for start, stop in itertools.pairwise(edges)
        ]


SIZES = st.sampled_from([0, 1, 2, 3, 5, 7, 16, 33, 64, 130, 300])
RATES = st.sampled_from([0.0, 1.0, 1e-9, 0.1, 0.5, 0.999]) | st.floats(0, 1)
WORDS = st.integers(0, 2**32 - 1)
IDS = st.integers(0, 2**40)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any case of up to 5,000 elements."""
    shape = tuple(draw(st.lists(SIZES, max_size=4).filter(lambda sizes: np.prod(sizes) <= 5000)))
    batch_dim = draw(st.none() | st.integers(0, len(shape) - 1)) if shape else None
    others = [dim for dim in range(len(shape)) if dim != batch_dim]
    samples: int | tuple[int, ...] = draw(IDS)
    if batch_dim is not None and draw(st.booleans()):
        samples = tuple(draw(st.integers(0, 2**32)) + 3 * place for place in range(shape[batch_dim]))
    law = draw(st.sampled_from(Law))
    x = draw(st.sampled_from(ONLY_READ))
    return Case(
        shape,
        dtype=draw(st.sampled_from(sorted(DTYPES))),
        p=draw(RATES),
        seed=draw(st.integers(0, 2**64 - 1)),
        step=draw(WORDS),
        layer=draw(WORDS),
        samples=samples,
        batch_dim=batch_dim,
        shared=tuple(dim for dim in others if draw(st.booleans())) if draw(st.booleans()) else (),
        law=law,
        x=x,
        out=draw(st.sampled_from(LAYOUTS) if x == "expanded" else st.none() | st.sampled_from(LAYOUTS)),
        residual=draw(st.none() | st.sampled_from(ONLY_READ)) if law is Law.PLAIN else None,
        tensors=draw(st.booleans()),
    )

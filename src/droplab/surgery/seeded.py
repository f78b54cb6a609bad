"""Torch's generators set from a key for the time of a call, and put back: the same step draws the same numbers.

What is drawn is then no function of the sample, and other devices draw others; but it depends on nothing that was drawn
before, and moves nothing that is drawn afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from droplab import rng
from droplab.masks.key import Key
from droplab.surgery.tensors import tensors

_WORD = 0xFFFFFFFF
_NOTHING = torch.empty((), device="cpu")


@torch.compiler.disable  # type: ignore[untyped-decorator]  # graphs have seeds of their own
def seeded(
    key: Callable[[Tensor], Key | None], function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """What a function gives when the generators are set from the key that its first tensor has; as ever without one."""
    first = next(tensors((args, kwargs)), _NOTHING)
    found = key(first)
    if found is None:
        return function(*args, **kwargs)
    with generators_at(seed_of(found), first.device):
        return function(*args, **kwargs)


def seed_of(key: Key) -> int:
    """64 bits from all of a key; of its samples the first one counts.

    >>> seed_of(Key(1, "a")) == seed_of(Key(1, "a")) != seed_of(Key(1, "a", step=1))
    True
    """
    seed, step = int(key.seed), int(key.step)
    samples = key.samples
    first = (int(samples.flatten()[0]) if samples.numel() else 0) if isinstance(samples, Tensor) else int(samples)
    counter = (0, first & _WORD, step & _WORD, key.layer_id)
    low, high, *_ = rng.philox(counter, (seed & _WORD, seed >> 32 & _WORD))
    return high << 32 | low


@contextmanager
def generators_at(seed: int, device: torch.device) -> Iterator[None]:
    """Within it, torch's generators of the CPU and of one GPU begin at a seed; afterwards they are as before.

    >>> with generators_at(1, torch.device("cpu")):
    ...     x = torch.rand(2)
    >>> with generators_at(1, torch.device("cpu")):
    ...     torch.equal(torch.rand(2), x)
    True
    """
    generators = [torch.default_generator]
    if device.type == "cuda":
        generators.append(torch.cuda.default_generators[device.index or 0])
    states = [generator.get_state() for generator in generators]
    try:
        for generator in generators:
            generator.manual_seed(seed)
        yield
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)


def can_be_seeded(module: nn.Module) -> bool:
    """Whether a module draws from torch's generators: one that holds a generator of its own may draw from that.

    >>> can_be_seeded(nn.Linear(2, 2))
    True
    """
    if isinstance(module, torch.jit.ScriptModule):
        return False
    return not any(isinstance(value, torch.Generator) for value in module.__dict__.values())

"""What names a mask completely."""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import Any, NamedTuple
from weakref import ref

import torch
from torch import Tensor

from droplab import rng
from droplab.errors import KeyingError
from droplab.masks.internals import assume_constant

_id_of: Callable[[str], int] = assume_constant(rng.layer_id)
_LOW, _FULL = (1 << 32) - 1, (1 << 64) - 1
_INTEGERS = {
    torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint32, torch.uint64,
}  # fmt: skip


class Key(NamedTuple):
    """Same key, same mask: on every device, in every backend, however the batch is cut.

    ``droplab.keyed`` gives each layer of a model its key; with a function, hand one over yourself.

    >>> import torch, droplab.functional as F
    >>> x, key = torch.ones(4, 6), Key(seed=1, layer="fc1", step=3)
    >>> whole = F.dropout(x, 0.5, key=key)
    >>> second_half = F.dropout(x[2:], 0.5, key=key._replace(samples=2))
    >>> torch.equal(whole[2:], second_half)
    True
    """

    seed: int | Tensor
    """64 bits; as a tensor, 0-d int64."""
    layer: int | str
    """32 bits, or a name to take them from."""
    step: int | Tensor = 0
    """Counts training steps, 32 bits; as a tensor, 0-d int64."""
    samples: int | Tensor = 0
    """Global sample ids, 32 bits: int64 ``(N,)``, or the id of the first sample from which the others count up.
    Without a ``batch_dim``: the one id (int or 0-d) of the whole tensor. Ids on a GPU are not looked at."""
    batch_dim: int | None = 0
    """The dimension of samples; ``None`` where the tensor is one sample."""

    @property
    def layer_id(self) -> int:
        """The layer as 32 bits.

        Raises:
            KeyingError: a number of more bits.
        """
        if isinstance(self.layer, str):
            return _id_of(self.layer)
        if type(self.layer) is int and 0 <= self.layer <= _LOW:
            return self.layer
        return int(whole_number(self.layer, "layer", 0, _LOW, 32))


class Named(NamedTuple):
    """A key's numbers, checked, for an input of some number of dimensions."""

    seed: int | Tensor
    step: int | Tensor
    samples: int | Tensor
    batch_dim: int | None


def named(key: Key, ndim: int) -> Named:
    """What a key says about an input: numbers in their ranges, the dimension of samples counted from 0.

    An input without dimensions is one sample.

    Args:
        key: numbers may be numpy's; sample ids may be an array of integers.
        ndim: dimensions of the input.

    Raises:
        KeyingError: a number that is no integer (a bool is none) or does not fit, sample ids where there is no
            dimension of samples, or a dimension that the input does not have.

    >>> named(Key(seed=1, layer=2, batch_dim=-2), 3)
    Named(seed=1, step=0, samples=0, batch_dim=1)
    >>> named(Key(seed=1, layer=2, step=2**32), 3)
    Traceback (most recent call last):
    ...
    droplab.errors.KeyingError: step is 4294967296; an integer from 0 to 4294967295 (32 bits) is wanted, since another \
one would have the masks of one that fits
    """
    seed, _, step, samples, dim = key
    seed = whole_number(seed, "seed", -(1 << 63), _FULL, 64)
    step = whole_number(step, "step", 0, _LOW, 32)
    if dim is not None:
        dim = _dimension(dim, ndim)
    if not isinstance(samples, int) or isinstance(samples, bool):
        samples = sample_ids(samples)
        if isinstance(samples, Tensor) and samples.ndim and dim is None:
            raise KeyingError(
                f"the key has sample ids of shape {tuple(samples.shape)}, but batch_dim None: the tensor is one "
                "sample. Say which dimension is that of samples, or give one id"
            )
    if type(samples) is int and not 0 <= samples <= _LOW:
        whole_number(samples, "samples", 0, _LOW, 32)  # raises
    return Named(seed, step, samples, dim)


def _dimension(dim: int, ndim: int) -> int | None:
    if 0 <= dim < ndim:
        return dim
    if ndim == 0:
        return None
    if -ndim <= dim < 0:
        return dim + ndim
    raise KeyingError(
        f"the key's batch_dim is {dim}, but the input has {ndim} dimensions; a dimension from {-ndim} to {ndim - 1} is "
        "wanted, or None where the whole tensor is one sample"
    )


def whole_number(value: Any, name: str, low: int, high: int, bits: int) -> int | Tensor:
    """An integer in a range, or a 0-d tensor of integers, whose value is looked at where that waits for nobody.

    >>> whole_number(True, "seed", 0, 9, 64)
    Traceback (most recent call last):
    ...
    droplab.errors.KeyingError: seed is True (bool); an integer of 64 bits, or a 0-d tensor of one, is wanted
    """
    if type(value) is int:
        if low <= value <= high:
            return value
        raise KeyingError(
            f"{name} is {value}; an integer from {low} to {high} ({bits} bits) is wanted, since another one would have "
            "the masks of one that fits"
        )
    if isinstance(value, Tensor):
        if value.ndim == 0 and _integers(value):
            return value
        raise KeyingError(
            f"{name} is a {value.dtype} tensor of shape {tuple(value.shape)}; an integer of {bits} bits, or a 0-d "
            "int64 tensor of one, is wanted"
        )
    if isinstance(value, torch.SymInt):
        return value  # type: ignore[return-value]  # what a tracer knows of an integer
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise KeyingError(
            f"{name} is {value!r} ({type(value).__name__}); an integer of {bits} bits, or a 0-d tensor of one, is "
            "wanted"
        )
    return whole_number(value.__index__(), name, low, high, bits)


def sample_ids(samples: Any) -> int | Tensor:
    """Sample ids as the kernels take them: an integer, or an integer tensor; numpy's too.

    >>> sample_ids(torch.arange(4) / 10)
    Traceback (most recent call last):
    ...
    droplab.errors.KeyingError: samples is a torch.float32 tensor of shape (4,); integers are wanted, each sample's \
own number
    """
    if type(samples).__module__ == "numpy" and isinstance(samples, Sized):
        samples = torch.as_tensor(samples)
    if not isinstance(samples, Tensor):
        return whole_number(samples, "samples", 0, _LOW, 32)
    if not _integers(samples):
        raise KeyingError(
            f"samples is a {samples.dtype} tensor of shape {tuple(samples.shape)}; integers are wanted, each sample's "
            "own number"
        )
    return samples


def check_ids(samples: Tensor) -> None:
    """Raise unless all ids of a tensor on the CPU fit 32 bits; on a GPU it would have to be waited for.

    >>> check_ids(torch.tensor([0, 2**32]))
    Traceback (most recent call last):
    ...
    droplab.errors.KeyingError: samples go from 0 to 4294967296; from 0 to 4294967295 (32 bits) is wanted, since an id \
beyond has the masks of one that fits
    """
    global _looked_at  # noqa: PLW0603  # all layers of a step are given the same tensor
    if _looked_at[0]() is samples and _looked_at[1] == samples._version:  # noqa: SLF001  # public in all but name
        return
    if not samples.is_cpu or samples.numel() == 0:
        return
    low, high = (int(edge) for edge in samples.aminmax())
    if low < 0 or high > _LOW:
        raise KeyingError(
            f"samples go from {low} to {high}; from 0 to {_LOW} (32 bits) is wanted, since an id beyond has the masks "
            "of one that fits"
        )
    if not samples.is_inference():  # which counts no versions
        _looked_at = ref(samples), samples._version  # noqa: SLF001


_looked_at: tuple[Callable[[], Tensor | None], int] = (lambda: None), -1


def _integers(value: Tensor) -> bool:
    return value.dtype in _INTEGERS

"""Keyed dropout: every mask of a step named by seed, step, layer and sample, whatever device or rank computes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import torch
import torch.distributed as dist
from torch import Tensor, nn

from droplab import rng
from droplab.errors import KeyingError
from droplab.nn.layer import DropLayer, Keying

DOORWAYS = "_droplab_doorways"
"""Attribute under which a module keeps the layers at its doorways, outside its children."""
_WRAPPERS = re.compile(r"(?:^|(?<=\.))(?:module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)(?:\.|$)")


def stripped(name: str) -> str:
    """A module's name without the prefixes that wrappers (DDP, compile, FSDP, checkpointing) add.

    >>> stripped("module._orig_mod.blocks.3.drop")
    'blocks.3.drop'
    """
    return _WRAPPERS.sub("", name)


def keyed_layers(model: nn.Module) -> Iterator[tuple[str, DropLayer]]:
    """The name and the layer of everything in a model that can be keyed, doorways too."""
    for name, module in model.named_modules():
        if isinstance(module, DropLayer):
            yield stripped(name), module
        doors: dict[str, nn.Module] = module.__dict__.get(DOORWAYS, {})
        for door, layer in doors.items():
            if isinstance(layer, DropLayer):
                yield f"{stripped(name)}:{door}", layer


class keyed:  # noqa: N801  # used like a function
    """Within the ``with``, every mask of ``model`` is a pure function of its key.

    The key of an element is (seed, layer id, step, sample, element); ``droplab.rng`` says how. The layer id is taken
    from the layer's name, without wrappers' prefixes, or from ``layer.key_name``. Then CPU, CUDA and compiled masks
    are equal; a batch cut over ranks or micro-batches drops what the whole one drops (given its ``samples``);
    a resumed run continues as if it had not stopped; activation checkpointing needs no generator state.

    Call ``backward()`` inside the block where activation checkpointing recomputes layers.

    Args:
        model: its droplab layers are keyed (``droplab.replace`` turns torch's into these); others are left alone.
        seed: 64 bits; an int, or a 0-d int64 tensor on the model's device.
        step: counts training steps; an int, or such a tensor (for CUDA graphs: change it between replays).
        samples: int64 ``(N,)``, the global id of each sample of the batch; where absent, samples count from 0, or on
            rank r of a process group from r · N, so that equal batches on all ranks are one large batch.

    Raises:
        KeyingError: two layers have one id; a block within a block; a layer called twice in one step.

    >>> import torch, droplab
    >>> model = nn.Sequential(nn.Linear(4, 4), droplab.nn.Dropout(0.5))
    >>> x = torch.randn(8, 4)
    >>> with droplab.keyed(model, seed=1, step=7):
    ...     whole = model(x)
    >>> with droplab.keyed(model, seed=1, step=7, samples=torch.arange(4, 8)):
    ...     second_half = model(x[4:])
    >>> torch.equal(whole[4:] == 0, second_half == 0)
    True
    """

    def __init__(
        self, model: nn.Module, *, seed: int | Tensor, step: int | Tensor = 0, samples: Tensor | None = None
    ) -> None:
        self._layers = _identified(model)
        rank = dist.get_rank() if dist.is_available() and dist.is_initialized() else 0
        first = next(model.parameters(), None)
        self._keying = Keying(seed, step, samples, rank, first.device if first is not None else torch.device("cpu"))

    def __enter__(self) -> Self:
        for name, layer, _ in self._layers:
            if layer._keying is not None:
                raise KeyingError(
                    f"layer {name!r} is keyed already: a `with droplab.keyed(...)` block within another of the same "
                    "model. End the first block before the next step begins."
                )
        for name, layer, number in self._layers:
            layer.__dict__.update(_keying=self._keying, _layer_id=number, _called=False, _name=name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, layer, _ in self._layers:
            layer.__dict__["_keying"] = None


def _identified(model: nn.Module) -> list[tuple[str, DropLayer, int]]:
    """Name, layer and id of each layer; ids are checked to differ."""
    found: list[tuple[str, DropLayer, int]] = []
    names: dict[int, str] = {}
    for name, layer in keyed_layers(model):
        known: Any = layer.__dict__.get("_identity")
        called = layer.key_name or name
        number: int = known[1] if known is not None and known[0] == called else rng.layer_id(called)
        layer.__dict__["_identity"] = called, number
        if number in names:
            raise KeyingError(
                f"the layers {names[number]!r} and {called!r} have the same id ({number:08x}), so their masks would be "
                "equal. Give one of them a name of its own: layer.key_name = '...'"
            )
        names[number] = called
        found.append((name, layer, number))
    return found

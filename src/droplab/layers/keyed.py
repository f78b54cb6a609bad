"""Keyed dropout: every mask of a step named by seed, step, layer and sample, whatever device or rank computes it."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import numpy as np
import torch.distributed as dist
from torch import Tensor, nn

from droplab.errors import KeyingError
from droplab.layers.by_call import begin_block
from droplab.layers.identities import Identity, device_of, identities, is_known
from droplab.layers.keying import Keying
from droplab.layers.unreached import unreached, warn_once


class keyed:  # noqa: N801  # used like a function
    """Within the ``with``, every mask of ``model`` is a pure function of its key.

    The key of an element is (seed, layer id, step, sample, element); ``droplab.rng`` says how. The layer id is taken
    from the layer's name, without wrappers' prefixes, or from ``layer.key_name``. Then CPU, CUDA and compiled masks
    are equal; a batch cut over ranks or micro-batches drops what the whole one drops (given its ``samples``);
    a resumed run continues as if it had not stopped; activation checkpointing needs no generator state.

    Call ``backward()`` inside the block where activation checkpointing recomputes layers.

    A layer may be called several times within a block: its calls are told apart by their place in it, and the second
    has the masks of a layer with the name ``"name#2"``, and so on. With gradient accumulation every micro-batch has a
    block of its own. Give it the ``samples`` it holds and the step of its update, and the micro-batches together drop
    what the whole batch would; or let ``step`` count micro-batches. With neither, all micro-batches of an update draw
    the same masks.

    What is not droplab's layer draws from torch's generator as before: torch's own layers that were not replaced, the
    ``dropout=`` of ``MultiheadAttention`` and of recurrent layers, dropout called as a function. ``unreached`` names
    what can be known without running the model; the first block of a model in training mode warns of it, once.

    Args:
        model: its droplab layers are keyed (``droplab.replace`` turns torch's into these); others are left alone.
        seed: 64 bits; a whole number, or a 0-d int64 tensor on the model's device.
        step: counts training steps, below 2**32; as ``seed`` (for CUDA graphs: change the tensor between replays).
        samples: whole numbers below 2**32, ``(N,)``, a tensor or array: the global id of each sample of the batch.
            Where absent, samples count from 0, or on rank r of a process group from r · N, so that *equal* batches on
            all ranks are one large batch. Where N differs between ranks, as in a last batch, some share masks: give
            ``samples``. Values of tensors on a GPU are not checked, which would wait for it.
        group: the process group (or ``DeviceMesh`` of one dimension) whose ranks hold different samples; all processes
            where absent. With data and tensor parallelism: the data-parallel one.
        replicated: all ranks hold the same batch, and are to draw the same masks.

    Raises:
        KeyingError: two layers have one id; a block within a block; a seed, step, samples, or group that cannot be
            one.

    Warns:
        UserWarning: a model in training mode has dropout that no key reaches; once for each model.

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
        self,
        model: nn.Module,
        *,
        seed: int | Tensor,
        step: int | Tensor = 0,
        samples: Tensor | np.ndarray[Any, Any] | None = None,
        group: Any = None,
        replicated: bool = False,
    ) -> None:
        self._model = model
        if not is_known(model):
            identities(model)  # two layers of one id are said here
        self._layers: list[Identity] = []
        self._keying = Keying(seed, step, samples, _rank(group, replicated), device_of(model))
        if model.training:
            warn_once(model)

    @property
    def unreached(self) -> dict[str, str]:
        """What of the model may drop and has no key, by name; see ``droplab.nn.unreached``."""
        return unreached(self._model)

    def __enter__(self) -> Self:
        self._layers = identities(self._model)
        for name, layer, _ in self._layers:
            if layer.__dict__.get("_keying") is not None:
                raise KeyingError(
                    f"layer {name!r} is keyed already: a `with droplab.keyed(...)` block within another of the same "
                    "model. End the first block before the next step begins."
                )
        keying = self._keying
        keying.keyed = self._layers
        for name, layer, number in self._layers:  # one by one is faster than an update of six
            state = layer.__dict__
            state["_keying"] = keying
            state["_layer_id"] = number
            state["_name"] = name
            state["_calls"] = state["_calls_in_graphs"] = 0
            state["_marks"] = None
        begin_block(keying)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, layer, _ in self._layers:
            layer.__dict__["_keying"] = None


def _rank(group: Any, replicated: bool) -> int:
    """This process's place among those that hold other samples of the batch."""
    if not isinstance(replicated, bool):
        raise KeyingError(f"droplab.keyed got replicated = {replicated!r}; True or False is wanted")
    if replicated and group is not None:
        raise KeyingError("droplab.keyed got a group and replicated = True; ranks hold the same batch, or parts of it")
    if replicated or not (dist.is_available() and dist.is_initialized()):
        return 0
    rank = group.get_local_rank() if hasattr(group, "get_local_rank") else dist.get_rank(group)  # a DeviceMesh, or not
    if rank < 0:
        raise KeyingError("droplab.keyed got a group that this process is not in; a group of its own is wanted")
    return int(rank)

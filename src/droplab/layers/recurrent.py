"""What recurrent layers that drop have in common: torch's parameters and calls, around a run of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from droplab.errors import RankError, UserError
from droplab.layers.adopting import Adopting
from droplab.masks.checking import check_input
from droplab.masks.key import Key

States = tuple[Tensor, ...]
"""Hidden states, and an LSTM's cell states after them: ``(layers · directions, N, H)`` each."""
Step = Callable[[Tensor, Tensor, States], States]


class Recurrent(Adopting, nn.RNNBase):
    """Called like ``torch.nn.LSTM`` or ``torch.nn.GRU``, with their parameters and ``state_dict`` keys.

    A subclass of what these two are made of, ``torch.nn.RNNBase``, not of one of them: ``torch.compile`` refuses
    every subclass of ``torch.nn.LSTM``.
    """

    twin: ClassVar[type[nn.RNNBase]]
    keys_dropout: ClassVar[bool] = False
    """Whether dropout between layers (``dropout=``) is keyed too; torch's kernels draw their own."""

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, **options: Any) -> None:
        super().__init__(self.twin.__name__, input_size, hidden_size, num_layers, **options)

    def equip(self, p: float | Tensor = 0.5) -> None:
        """Rate and dimension of samples; a subclass has more."""
        self.p = p
        self.batch_dim = 0 if self.batch_first else 1

    def forward(self, input: Any, hx: Any = None) -> Any:
        """``(N, T, I)`` where ``batch_first``, else ``(T, N, I)``, or ``(T, I)``, or packed, and states.

        Returns:
            As ``torch.nn.LSTM`` and ``torch.nn.GRU``: the output ``(N, T, D H)``, and the last states.
        """
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        check_input(input, type(self).__name__)
        if input.ndim not in {2, 3}:
            wanted = "(N, T, I)" if self.batch_first else "(T, N, I)"
            raise RankError(f"{type(self).__name__} got {input.ndim} dimensions; {wanted} or (T, I) is wanted")
        dim = 0 if self.batch_first else 1
        batched = input.ndim == 3
        x = input if batched else input.unsqueeze(dim)
        if not x.shape[1 - dim]:
            raise UserError(f"{type(self).__name__} got an input of no time steps, {tuple(input.shape)}; one is wanted")
        states = self._states(x, x.shape[dim], hx, batched)
        output, last = self._run(x, states, self._key(x) if self.training else None)
        if not batched:
            return output.squeeze(dim), self._given(tuple(state.squeeze(1) for state in last))
        return output, self._given(last)

    def _forward_packed(self, input: PackedSequence, hx: Any) -> tuple[PackedSequence, Any]:
        data, batch_sizes, order, back = input
        check_input(data, type(self).__name__)
        states = self._states(data, int(batch_sizes[0]), hx, batched=True)
        key = self._packed_key(input) if self.training else None
        output, last = self._run_packed(input, _permuted(states, order), key)
        return PackedSequence(output, batch_sizes, order, back), self._given(_permuted(last, back))

    def _states(self, x: Tensor, samples: int, hx: Any, batched: bool) -> States:
        """The states to begin with, in the batch's own order; zeros where none are given. Checks what comes in."""
        if x.shape[-1] != self.input_size:  # torch's kernels do not look, and would read beyond the weights
            raise UserError(
                f"{type(self).__name__} got an input of {x.shape[-1]} features; input_size={self.input_size} are wanted"
            )
        count = self.num_layers * (2 if self.bidirectional else 1)
        widths = [self.proj_size or self.hidden_size, self.hidden_size][: 2 if self.twin is nn.LSTM else 1]
        if hx is None:
            return tuple(x.new_zeros(count, samples, width) for width in widths)
        given = tuple(hx) if self.twin is nn.LSTM else (hx,)
        wanted = [(count, samples, width) if batched else (count, width) for width in widths]
        shapes = [tuple(state.shape) for state in given]
        if shapes != wanted:
            raise RankError(f"{type(self).__name__} got states of shapes {shapes}; {wanted} are wanted")
        return given if batched else tuple(state.unsqueeze(1) for state in given)

    def _given(self, states: States) -> Any:
        return states if self.twin is nn.LSTM else states[0]

    def _packed_key(self, input: PackedSequence) -> Key | None:
        """The key of a packed call; its samples are those of the batch before it was sorted."""
        return self._key(input.batch_sizes.new_empty(()).expand((int(input.batch_sizes[0]),) * 2))

    def _run(self, x: Tensor, states: States, key: Key | None) -> tuple[Tensor, States]:
        raise NotImplementedError

    def _run_packed(self, packed: PackedSequence, states: States, key: Key | None) -> tuple[Tensor, States]:
        raise NotImplementedError


def _permuted(states: States, order: Tensor | None) -> States:
    return states if order is None else tuple(state.index_select(1, order) for state in states)


def lstm_step(from_input: Tensor, from_hidden: Tensor, states: States) -> States:
    """One time step of an LSTM from what input and hidden state give its gates: ``(*, 4 H)`` to two ``(*, H)``.

    >>> import torch
    >>> [state.shape for state in lstm_step(torch.ones(2, 8), torch.ones(2, 8), (torch.ones(2, 2),) * 2)]
    [torch.Size([2, 2]), torch.Size([2, 2])]
    """
    i, f, g, o = (from_input + from_hidden).chunk(4, -1)
    cell = f.sigmoid() * states[1] + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


def gru_step(from_input: Tensor, from_hidden: Tensor, states: States) -> States:
    """One time step of a GRU: ``(*, 3 H)`` to one ``(*, H)``.

    >>> import torch
    >>> gru_step(torch.zeros(1, 3), torch.zeros(1, 3), (torch.ones(1, 1),))
    (tensor([[0.5000]]),)
    """
    (r, z, n), (r_hidden, z_hidden, n_hidden) = from_input.chunk(3, -1), from_hidden.chunk(3, -1)
    new = (n + (r + r_hidden).sigmoid() * n_hidden).tanh().to(states[0])  # under autocast gates are halves
    return (torch.lerp(new, states[0], (z + z_hidden).sigmoid().to(new)),)

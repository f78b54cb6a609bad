"""Zoneout: units that keep what they were instead of being set to zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from droplab.errors import UserError
from droplab.layers.recurrent import Recurrent, States, gru_step, lstm_step
from droplab.masks.checking import check_input, check_rate
from droplab.masks.drop import drop
from droplab.masks.key import Key
from droplab.masks.streams import stream
from droplab.variants.kind import Kind
from droplab.variants.options import Rate

__all__ = ["ZoneoutGRU", "ZoneoutLSTM", "zoneout"]


def zoneout(
    new: Tensor, old: Tensor, p: float | Tensor = 0.5, training: bool = True, *, key: Key | None = None
) -> Tensor:
    """Keep each unit of a recurrent state as it was, with probability ``p``; one time step of a loop of your own.

    ``y = m old + (1 - m) new``, ``m = 1`` with probability ``p``; in eval mode ``y = p old + (1 - p) new``. Krueger
    et al., *Zoneout: regularizing RNNs by randomly preserving hidden activations*, ICLR 2017. No deviations but the
    rate, which is that of ``dropout``, rounded to 16 bits.

    Args:
        new: ``(N, *)``, the state that the step computed.
        old: the same shape, the state before the step.
        p: probability in [0, 1] that a unit stays as it was.
        training: draw where true, the mean where false.
        key: as for ``dropout``; each time step needs one of its own: ``key._replace(layer=f"zoneout {t}")``.

    Raises:
        UserError: ``p`` outside [0, 1], shapes that differ, or a state that is not floating point.

    >>> import torch
    >>> zoneout(torch.ones(2, 4), torch.zeros(2, 4), 0.5, key=Key(seed=0, layer=1))
    tensor([[0., 0., 0., 1.],
            [0., 1., 1., 1.]])
    >>> zoneout(torch.ones(1, 2), torch.zeros(1, 2), 0.25, training=False)
    tensor([[0.7500, 0.7500]])
    """
    check_rate(p, learned=not training)
    check_input(new, "zoneout")
    if new.shape != old.shape:
        raise UserError(
            f"zoneout got a new state of shape {tuple(new.shape)} and an old one of shape {tuple(old.shape)}; equal "
            "shapes are wanted"
        )
    if not training:
        return new + p * (old - new)
    return torch.where(moved(new, tuple(new.shape), p, key), new, old)


def moved(like: Tensor, shape: tuple[int, ...], p: float | Tensor, key: Key | None) -> Tensor:
    """Which units take their new state, as booleans of a shape: all time steps of a sequence in one draw.

    >>> import torch
    >>> moved(torch.ones(()), (1, 2, 4), 0.5, Key(seed=0, layer=1))
    tensor([[[False, False, False,  True],
             [ True, False, False, False]]])
    """
    return drop(like.new_ones(shape), p, key=key) > 0


_STREAMS = 3
"""For each layer and direction: hidden states, cell states, dropout after the layer."""


class _Zoneout(Recurrent):
    """A loop over time, with one draw for all steps of a layer and direction."""

    keys_dropout = True

    def equip(self, p: float | Tensor = 0.1) -> None:
        """The rate of hidden states; of layers without projections."""
        super().equip(p)
        if self.proj_size:
            raise UserError(
                f"{type(self).__name__} got proj_size={self.proj_size}; zoneout mixes a state with the one before "
                "it, and is defined for LSTMs without projections: proj_size=0"
            )

    def _rates(self) -> tuple[float | Tensor, ...]:
        """One for each kind of state."""
        return (self._current_rate(),)

    def _run(self, x: Tensor, states: States, key: Key | None) -> tuple[Tensor, States]:
        if self.batch_first:
            return self._layers(x, states, key, None)
        output, last = self._layers(x.transpose(0, 1), states, key, None)
        return output.transpose(0, 1), last

    def _run_packed(self, packed: PackedSequence, states: States, key: Key | None) -> tuple[Tensor, States]:
        """In the order of the batch before it was sorted, which masks follow."""
        x, lengths = pad_packed_sequence(packed, batch_first=True)
        order, back = packed.sorted_indices, packed.unsorted_indices
        if order is None or back is None:
            order = back = torch.arange(len(x), device=x.device)
        own = tuple(state.index_select(1, back) for state in states)
        output, last = self._layers(x, own, key, lengths.to(x.device))
        there = pack_padded_sequence(output.index_select(0, order), lengths[order.cpu()], batch_first=True)
        return there.data, tuple(state.index_select(1, order) for state in last)

    def _layers(self, x: Tensor, states: States, key: Key | None, lengths: Tensor | None) -> tuple[Tensor, States]:
        """``(N, T, I)`` to ``(N, T, D H)``."""
        if key is not None:
            key = key._replace(batch_dim=0)
        directions = 2 if self.bidirectional else 1
        last: list[States] = []
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(directions):
                number = layer * directions + direction
                output, final = self._through_time(
                    x, tuple(state[number] for state in states), number, key, lengths
                )  # fmt: skip
                outputs.append(output)
                last.append(final)
            x = torch.cat(outputs, 2)
            if self.training and self.dropout and layer + 1 < self.num_layers:
                x = drop(x, self.dropout, key=stream(key, _STREAMS * layer * directions + 2))
        return x, tuple(torch.stack(kind) for kind in zip(*last, strict=True))

    def _through_time(
        self, x: Tensor, states: States, number: int, key: Key | None, lengths: Tensor | None
    ) -> tuple[Tensor, States]:
        """One direction of one layer: ``(N, T, I)`` to ``(N, T, H)`` and the last states."""
        directions = 2 if self.bidirectional else 1
        suffix = f"_l{number // directions}{'_reverse' if number % directions else ''}"
        biases = [getattr(self, f"bias_{kind}{suffix}") if self.bias else None for kind in ("ih", "hh")]
        weight: Tensor = getattr(self, f"weight_hh{suffix}")
        from_input = nn.functional.linear(x, getattr(self, f"weight_ih{suffix}"), biases[0]).unbind(1)
        steps = len(from_input)
        mix = self._mixers(x, steps, number, key)
        outputs: list[Tensor] = [x] * steps
        for time in reversed(range(steps)) if number % directions else range(steps):
            from_hidden = nn.functional.linear(states[0], weight, biases[1])
            step = lstm_step if self.twin is nn.LSTM else gru_step
            new = step(from_input[time], from_hidden, states)
            mixed = tuple(mix(kind, time, *pair) for kind, pair in enumerate(zip(new, states, strict=True)))
            if lengths is not None:
                here = (lengths > time)[:, None]
                mixed = tuple(torch.where(here, *pair) for pair in zip(mixed, states, strict=True))
            states = mixed
            outputs[time] = states[0]
        return torch.stack(outputs, 1), states

    def _mixers(self, x: Tensor, steps: int, number: int, key: Key | None) -> Callable[..., Tensor]:
        """From a kind of state (hidden or cell), a time step, and the new and old states to the next."""
        rates = self._rates()
        if not self.training:
            return lambda kind, _, new, old: new + rates[kind] * (old - new)
        shape = (x.shape[0], steps, self.hidden_size)
        draws = [
            moved(x, shape, p, stream(key, _STREAMS * number + kind)).unbind(1) for kind, p in enumerate(rates)
        ]  # fmt: skip
        return lambda kind, time, new, old: torch.where(draws[kind][time], new, old)


class ZoneoutLSTM(_Zoneout):
    """``torch.nn.LSTM`` whose units keep their states of the step before with probability ``p``. Same parameters.

    Training, with masks for each sample, time step and unit::

        c_t = d_t ∘ c_{t-1} + (1 - d_t) ∘ c̃_t             d_t = 1 with probability p_cell
        h_t = e_t ∘ h_{t-1} + (1 - e_t) ∘ o_t ∘ tanh(c̃_t)  e_t = 1 with probability p
        c̃_t = f_t ∘ c_{t-1} + i_t ∘ g_t

    Eval mode puts the rates in the place of the masks. Krueger et al., *Zoneout: regularizing RNNs by randomly
    preserving hidden activations*, ICLR 2017, whose character-level model has ``p_cell`` 0.5 and ``p`` 0.05. No
    deviations. A loop over time: slower than torch's kernel.

    Same calls as ``torch.nn.LSTM``, packed sequences, layers and directions too; dropout between layers is droplab's.

    Args:
        input_size, hidden_size, num_layers: as for ``torch.nn.LSTM``.
        p: probability in [0, 1] that a hidden unit keeps its state.
        p_cell: the same for cell states; ``p`` where ``None``.
        **options: ``bias``, ``batch_first``, ``dropout`` (between layers), ``bidirectional``, ``device``, ``dtype``.

    Raises:
        UserError: a rate outside [0, 1], or projections.

    >>> ZoneoutLSTM.adopt(nn.LSTM(3, 4), 0.05, p_cell=0.5)
    ZoneoutLSTM(p=0.05, p_cell=0.5, 3, 4)
    """

    twin = nn.LSTM
    shown = ("p_cell",)

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, *, p: float | Tensor = 0.1,
        p_cell: float | None = None, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(input_size, hidden_size, num_layers, **options)
        self.equip(p, p_cell=p_cell)

    def equip(self, p: float | Tensor = 0.1, *, p_cell: float | None = None) -> None:
        """The rates of hidden and of cell states."""
        super().equip(p)
        if p_cell is not None:
            check_rate(p_cell)
        self.p_cell = p_cell

    def _rates(self) -> tuple[float | Tensor, ...]:
        p = self._current_rate()
        return p, p if self.p_cell is None else self.p_cell


class ZoneoutGRU(_Zoneout):
    """``torch.nn.GRU`` whose units keep their states of the step before with probability ``p``. Same parameters.

    ``h_t = d_t ∘ h_{t-1} + (1 - d_t) ∘ h̃_t`` in training, ``d_t = 1`` with probability ``p``, and ``p`` in the place
    of ``d_t`` in eval mode. As ``ZoneoutLSTM``.

    >>> ZoneoutGRU.adopt(nn.GRU(3, 4), 0.05)
    ZoneoutGRU(p=0.05, 3, 4)
    """

    twin = nn.GRU

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, *, p: float | Tensor = 0.1, **options: Any
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, **options)
        self.equip(p)


_KRUEGER = "Krueger et al., Zoneout: regularizing RNNs by randomly preserving hidden activations, ICLR 2017"
_ZONED = "y = h_t = m h_(t-1) + (1 - m) h'_t, m = 1 with probability p, else 0; c_t likewise, h'_t from c'_t"
KINDS = (
    Kind(
        "zoneout_lstm", ZoneoutLSTM, _KRUEGER, _ZONED, "nothing", eval_law="p in the place of m", has_parameters=True,
        limits=(Rate("p_cell"),), example="droplab.nn.ZoneoutLSTM(4, 3, p=0.05, p_cell=0.5, batch_first=True)",
        model="lstm", site="lstm1",
    ),
    Kind(
        "zoneout_gru", ZoneoutGRU, _KRUEGER, _ZONED.partition(";")[0], "nothing", eval_law="p in the place of m",
        has_parameters=True, example="droplab.nn.ZoneoutGRU(4, 4, p=0.1, batch_first=True)",
        model="my_model:rows", site="gru",
    ),
)  # fmt: skip

"""Dropout of weights, those from hidden to hidden of recurrent layers above all."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from droplab.errors import UserError
from droplab.layers.adopting import Adopting
from droplab.layers.recurrent import Recurrent, States
from droplab.masks.checking import check_input, check_rate
from droplab.masks.drop import drop
from droplab.masks.key import Key
from droplab.masks.streams import stream, whole
from droplab.variants.kind import Kind

__all__ = ["WeightDropGRU", "WeightDropLSTM", "WeightDropLinear", "weight_drop"]


def weight_drop(weight: Tensor, p: float | Tensor = 0.5, training: bool = True, *, key: Key | None = None) -> Tensor:
    """Drop single weights: one mask for all samples and, where the result is used at all time steps, for those.

    ``w'[i, j] = m[i, j] w[i, j] / (1 - p)``. Merity, Keskar and Socher, *Regularizing and optimizing LSTM language
    models*, ICLR 2018, who drop the hidden-to-hidden weights of an LSTM so. No deviations; like theirs, the mask is
    scaled in training.

    Args:
        weight: any shape.
        p: drop rate in [0, 1].
        training: where false, the weight itself is returned.
        key: names the mask; its samples are not used, so that shards of a batch agree.

    Raises:
        UserError: ``p`` outside [0, 1], or a weight that is not floating point.

    >>> import torch
    >>> weight_drop(torch.ones(2, 4), 0.5, key=Key(seed=0, layer=1))
    tensor([[0., 0., 0., 2.],
            [2., 0., 0., 0.]])
    """
    check_rate(p)
    check_input(weight, "weight_drop")
    return drop(weight, p, key=whole(key)) if training else weight


class WeightDropLinear(Adopting, nn.Linear):
    """``torch.nn.Linear`` with its weights, not its biases, dropped in training; one mask a call. Same parameters.

    See ``droplab.functional.weight_drop``. Eval mode: ``torch.nn.Linear``.

    Args:
        in_features, out_features, bias, device, dtype: as for ``torch.nn.Linear``.
        p: drop rate in [0, 1].

    >>> WeightDropLinear.adopt(nn.Linear(3, 2), 0.5)
    WeightDropLinear(p=0.5, in_features=3, out_features=2, bias=True)
    """

    twin = nn.Linear

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, p: float | Tensor = 0.5, device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_features, out_features, bias, device, dtype)
        self.equip(p)

    def equip(self, p: float | Tensor = 0.5) -> None:
        """The rate."""
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        """``(*, I)`` to ``(*, O)``."""
        check_input(input, "WeightDropLinear")
        weight: Tensor = self.weight
        if self.training:
            rate, key = self._rated(input)
            weight = weight_drop(weight, rate, key=key)
        return nn.functional.linear(input, weight, self.bias)


class _WeightDrop(Recurrent):
    """Torch's own kernels, given masked hidden-to-hidden weights."""

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, *, p: float | Tensor = 0.5, **options: Any
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, **options)
        self.equip(p)

    def _run(self, x: Tensor, states: States, key: Key | None) -> tuple[Tensor, States]:
        return self._kernel((x,), states, key, self.batch_first)

    def _run_packed(self, packed: PackedSequence, states: States, key: Key | None) -> tuple[Tensor, States]:
        return self._kernel((packed.data, packed.batch_sizes), states, key)

    def _kernel(self, x: tuple[Tensor, ...], states: States, key: Key | None, *layout: bool) -> tuple[Tensor, States]:
        kernel: Any = torch.lstm if self.twin is nn.LSTM else torch.gru
        options = self.bias, self.num_layers, self.dropout, self.training, self.bidirectional
        weights = self._weights(key)
        try:
            output, *last = kernel(*x, self._given(states), weights, *options, *layout)
        except RuntimeError as error:
            if "Batching rule not implemented" not in str(error):
                raise
            raise UserError(
                f"{self._title()} was called within vmap, which torch's own {self.twin.__name__} kernel does not take. "
                "A batch is a dimension of its input; for members with masks of their own, call it for one after the "
                "other, or use a Zoneout layer, whose steps are Python"
            ) from error
        return output, tuple(last)

    def _weights(self, key: Key | None) -> list[Tensor]:
        """All parameters in torch's order, those from hidden to hidden under masks of their own in training."""
        found, number = [], 0
        for name in self._flat_weights_names:
            weight = getattr(self, name)
            if self.training and name.startswith("weight_hh"):
                weight = weight_drop(weight, self._current_rate(), key=stream(key, number))
                number += 1
            found.append(weight)
        return found


class WeightDropLSTM(_WeightDrop):
    """``torch.nn.LSTM`` with its hidden-to-hidden weights dropped in training: one mask for a call, all time steps.

    See ``droplab.functional.weight_drop``. Same calls, parameters and ``state_dict`` keys; packed sequences, several
    layers, directions and projections too; each layer and direction has a mask of its own, which all samples share.
    Torch's kernels do the work. On CUDA, cuDNN copies the weights together at every call, and says so once.

    Args:
        input_size, hidden_size, num_layers: as for ``torch.nn.LSTM``.
        p: drop rate of weights, in [0, 1].
        **options: ``bias``, ``batch_first``, ``dropout`` (between layers: torch's own, drawn from torch's generator
            under ``droplab.keyed`` too), ``bidirectional``, ``proj_size``, ``device``, ``dtype``.

    >>> WeightDropLSTM.adopt(nn.LSTM(3, 4, batch_first=True), 0.5)
    WeightDropLSTM(p=0.5, 3, 4, batch_first=True)
    """

    twin = nn.LSTM


class WeightDropGRU(_WeightDrop):
    """``torch.nn.GRU`` with its hidden-to-hidden weights dropped in training: one mask for a call, all time steps.

    As ``WeightDropLSTM``. The papers drop the weights of LSTMs only.

    >>> WeightDropGRU.adopt(nn.GRU(3, 4, batch_first=True), 0.5)
    WeightDropGRU(p=0.5, 3, 4, batch_first=True)
    """

    twin = nn.GRU


_MERITY = "Merity, Keskar and Socher, Regularizing and optimizing LSTM language models, ICLR 2018"
_RECURRENT = "y = LSTM(x) with m U / (1 - p) for its hidden-to-hidden weights U, m 0 with probability p, else 1"
KINDS = (
    Kind(
        "weight_drop_linear", WeightDropLinear, _MERITY, "y = (m W / (1 - p)) x + b, m = 0 with probability p, else 1",
        "a weight for all samples", eval_law="torch.nn.Linear", has_parameters=True,
        example="droplab.nn.WeightDropLinear(24, 8, p=0.5)", deviations="a linear layer, where the paper has LSTMs",
    ),
    Kind(
        "weight_drop_lstm", WeightDropLSTM, _MERITY, _RECURRENT, "a weight for all samples and time steps",
        eval_law="torch.nn.LSTM", has_parameters=True,
        example="droplab.nn.WeightDropLSTM(4, 2, p=0.5, batch_first=True)",
        model="lstm", site="lstm1",
    ),
    Kind(
        "weight_drop_gru", WeightDropGRU, _MERITY, _RECURRENT.replace("LSTM", "GRU"),
        "a weight for all samples and time steps", eval_law="torch.nn.GRU", has_parameters=True,
        example="droplab.nn.WeightDropGRU(4, 2, p=0.5, batch_first=True)",
        deviations="a GRU, where the paper has LSTMs",
        model="my_model:rows", site="gru",
    ),
)  # fmt: skip

"""Stochastic depth: dropout of residual branches."""

from __future__ import annotations

from torch import Tensor

from droplab.errors import RankError
from droplab.layers.layer import DropLayer
from droplab.masks.checking import check_input, check_rate
from droplab.masks.drop import drop
from droplab.masks.key import Key
from droplab.masks.streams import whole
from droplab.variants.kind import IN_TRAINING, MASKED, Kind
from droplab.variants.options import OneOf

__all__ = ["DropPath", "drop_path"]

_MODE = OneOf("mode", ("row", "batch"))


def drop_path(
    input: Tensor, p: float | Tensor = 0.5, training: bool = True, *, mode: str = "row", key: Key | None = None
) -> Tensor:
    """Stochastic depth: drop the whole of a residual branch, for each sample (``row``) or for all (``batch``).

    ``y[n] = m[n] x[n] / (1 - p)``. Huang et al., *Deep networks with stochastic depth*, ECCV 2016, where one draw
    holds for the batch and scaling happens at test time; here in training, as in torchvision and timm.

    Args:
        input: ``(N, *)``, the output of the branch before it is added.
        p: drop rate in [0, 1].
        training: where false, the input itself is returned.
        mode: ``"row"`` or ``"batch"``.
        key: as for ``dropout``; in ``batch`` mode without its samples, so that shards of a batch agree.

    Raises:
        UserError: ``p`` outside [0, 1], an unknown mode, or an input that is not floating point.
        RankError: no dimension.

    >>> import torch
    >>> y = drop_path(torch.ones(64, 3), 0.5)
    >>> torch.equal(y[:, :1].expand(64, 3), y), sorted(y.unique().tolist())
    (True, [0.0, 2.0])
    """
    check_rate(p)
    check_input(input, "drop_path")
    _MODE.check(mode, "drop_path")
    if input.ndim == 0:
        raise RankError("drop_path got 0 dimensions; at least one, (N, *), is wanted")
    if not training:
        return input
    if mode == "row":
        return drop(input, p, key=key, shared=tuple(range(1, input.ndim)))
    return drop(input, p, key=whole(key), shared=tuple(range(input.ndim)))


class DropPath(DropLayer):
    """Drop whole residual branches in training; identity in eval.

    See ``droplab.functional.drop_path``.

    Args:
        p: drop rate in [0, 1].
        mode: ``"row"``, a draw for each sample, or ``"batch"``, one for all.

    >>> DropPath(0.2)
    DropPath(p=0.2, mode='row')
    """

    shown = ("mode",)

    def __init__(self, p: float | Tensor = 0.5, mode: str = "row") -> None:
        super().__init__()
        _MODE.check(mode, "DropPath")
        self.p, self.mode = p, mode
        self.batch_dim = 0 if mode == "row" else None

    def forward(self, input: Tensor) -> Tensor:
        """``(N, *)`` to the same shape."""
        return self._in_training(drop_path, input, mode=self.mode)


KINDS = (
    Kind(
        "drop_path", DropPath, "Huang et al., Deep networks with stochastic depth, ECCV 2016", MASKED,
        "a sample (or, in batch mode, the batch)", limits=(_MODE,),
        deviations="one draw for each sample unless mode is 'batch'; " + IN_TRAINING,
        model="gpt", site="blocks.*.drop2",
    ),
)  # fmt: skip

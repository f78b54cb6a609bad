"""Numbers that are predicted as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from droplab.data.trees import check_finite
from droplab.errors import DataError, ModelError, UserError, quote
from droplab.records import Measure
from droplab.tasks.base import LOSS, Base, check_width, counted, ratio
from droplab.tasks.sketch import Sketch
from droplab.tasks.task import Sums

_KNOWN = (
    Measure(LOSS, "lower"),
    Measure("r2", "higher"),
    Measure("mse", "lower"),
    Measure("rmse", "lower"),
    Measure("mae", "lower"),
)
_HALVINGS = 60
"""Of a range, until nothing is left of it in float64."""


class Regression(Base):
    """A loss of numbers ``(N, K)``, or ``(N,)``, against numbers of that shape; R², the share of variance explained.

    Args:
        loss: ``mse``, ``mae``, ``huber``, or a function of outputs and targets.
        delta: where ``huber`` turns from a square to a line, in units of the targets.
        figures: of ``loss``, ``r2``, ``mse``, ``rmse``, ``mae``; the first is the primary one. R² of several outputs is
            their mean; one that does not vary is left out.
        metrics: figures of your own; see ``Base``.

    Raises:
        UserError: an option that does not hold.

    >>> task = Regression(figures=["rmse", "r2"])
    >>> task.figures(task.totals(torch.tensor([[1.0], [3.0]]), torch.tensor([[0.0], [4.0]])))
    {'rmse': 1.0, 'r2': 0.75}
    """

    losses: ClassVar[tuple[str, ...]] = ("mse", "mae", "huber")
    means = frozenset({LOSS, "mse", "mae"})

    def __init__(
        self,
        *,
        loss: Any = "",
        delta: float = 1.0,
        figures: Iterable[str] | None = None,
        metrics: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(known=_KNOWN, default=(LOSS, "r2"), loss=loss, figures=figures, metrics=metrics)
        if isinstance(delta, bool) or not isinstance(delta, int | float) or not 0 < delta < float("inf"):
            raise UserError(f"delta arrived as {quote(delta)}; wanted a number above 0")
        self._delta = float(delta)

    def check(self, targets: Any, where: str = "targets") -> None:
        """See ``Task.check``."""
        flat = self._checked(targets, where)
        constant = (flat == flat[:1]).all(0)
        if bool(constant.any()):
            at = int(constant.long().argmax())
            column = f" in column {at}" if flat.shape[1] > 1 else ""
            raise DataError(
                f"{where} are {float(flat[0, at]):g} in all {len(flat):,} samples{column}; there is nothing to "
                f"predict{': leave that column out' if column else ''}"
            )

    def check_other(self, targets: Any, where: str, width: int) -> None:
        """See ``Base.check_other``."""
        check_width(where, self._checked(targets, where).shape[1], width)

    def _checked(self, targets: Any, where: str) -> Tensor:
        """Targets of any part, ``(N, K)``."""
        if not isinstance(targets, Tensor):
            raise DataError(
                f"{where} arrived as a {type(targets).__name__}; wanted a tensor of numbers, (N,) or (N, K)"
            )
        if targets.ndim not in {1, 2}:
            raise DataError(
                f"{where} arrived with shape {tuple(targets.shape)}; wanted (N,) or (N, K): y.reshape(len(y), -1)"
            )
        check_finite(where, targets.float())
        return targets.float().reshape(len(targets), -1)

    def width(self, targets: Tensor) -> int:
        """Numbers for each sample."""
        return 1 if targets.ndim == 1 else int(targets.shape[1])

    def check_outputs(self, outputs: Any, targets: Any) -> None:
        """See ``Task.check_outputs``."""
        fits = isinstance(outputs, Tensor) and len(outputs) == len(targets) and outputs.numel() == targets.numel()
        if not fits or outputs.ndim > 2:
            said = tuple(outputs.shape) if isinstance(outputs, Tensor) else f"a {type(outputs).__name__}"
            raise ModelError(
                f"the model gave {said} for targets {tuple(targets.shape)}; wanted ({len(targets)}, "
                f"{self.width(targets)}): its function is told classes, the number of outputs"
            )

    def _pair(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Both ``(N, K)``: a column against a row would be compared all with all."""
        wanted = targets.float().reshape(len(targets), -1)
        return outputs.float().reshape(wanted.shape), wanted

    def _each(self, found: Tensor, wanted: Tensor) -> Tensor:
        if self.loss_name == "mae":
            return F.l1_loss(found, wanted, reduction="none")
        if self.loss_name == "huber":
            return F.huber_loss(found, wanted, reduction="none", delta=self._delta)
        return F.mse_loss(found, wanted, reduction="none")

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """See ``Task.loss``."""
        found, wanted = self._pair(outputs, targets)
        return self._each(found, wanted).mean() if self.own is None else self.own.mean(found, wanted)

    def rows(self, outputs: Tensor, targets: Tensor) -> Sums:
        """See ``Task.rows``."""
        found, wanted = self._pair(outputs, targets)
        loss = self._each(found, wanted).mean(1) if self.own is None else self.own.each(found, wanted)
        exact, error = wanted.double(), found.double() - wanted.double()
        return {
            LOSS: counted(loss),
            "count": torch.ones(len(found), dtype=torch.float64, device=found.device),
            "error2": error.square(),
            "error": error.abs(),
            "y": exact,
            "y2": exact.square(),
        }

    def figures(self, sums: Sums) -> dict[str, float]:
        """See ``Task.figures``."""
        count = sums["count"]
        squared = float((sums["error2"] / count).mean())
        around = sums["y2"] - sums["y"].square() / count
        varies = around > 1e-12 * sums["y2"]
        explained = 1 - sums["error2"][varies] / around[varies]
        return self.chosen(
            {
                LOSS: ratio(sums[LOSS], count),
                "r2": float(explained.mean()) if bool(varies.any()) else float("nan"),
                "mse": squared,
                "rmse": squared**0.5,
                "mae": float((sums["error"] / count).mean()),
            }
        )

    def sketches(self, outputs: Tensor, targets: Tensor) -> tuple[Sketch, ...]:
        """Numbers."""
        found, wanted = self._pair(outputs, targets)
        pairs = zip(wanted.tolist(), found.tolist(), strict=True)
        return tuple(Sketch("numbers", tuple(truth), tuple(said)) for truth, said in pairs)

    def guess(self, targets: Tensor) -> Tensor:
        """What has the least loss for all: the mean, for ``mae`` the median, for ``huber`` between them."""
        flat = targets.float().reshape(len(targets), -1)
        if self.loss_name == "mae":
            ordered, last = flat.sort(0).values, len(flat) - 1
            return torch.lerp(ordered[last // 2], ordered[-(-last // 2)], 0.5)[None]
        exact = flat.double()
        return (self._least_huber(exact) if self.loss_name == "huber" else exact.mean(0)).float()[None]

    def _least_huber(self, values: Tensor) -> Tensor:
        """``(K,)``, where as much pulls up as down, by halving."""
        low, high = values.min(0).values, values.max(0).values
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            up = (values - middle).clamp(-self._delta, self._delta).sum(0) > 0
            low, high = torch.where(up, middle, low), torch.where(up, high, middle)
        return (low + high) / 2

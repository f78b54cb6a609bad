"""Any number of labels for each sample."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from droplab.errors import DataError, ModelError, UserError, quote
from droplab.records import Measure
from droplab.tasks.base import LOSS, Base, check_width, counted, ratio
from droplab.tasks.counts import macro_f1, micro_f1
from droplab.tasks.sketch import Sketch
from droplab.tasks.task import Sums

_KNOWN = (
    Measure(LOSS, "lower", "nats"),
    Measure("macro_f1", "higher", "share"),
    Measure("micro_f1", "higher", "share"),
    Measure("exact", "higher", "share", counted=True),
)


class Multilabel(Base):
    """Binary cross-entropy of logits ``(N, labels)`` against zeros and ones, the mean over labels; F1 at 0.5.

    Args:
        pos_weight: what a one weighs in the loss that is minimised: a number for all labels, or one for each. The
            figure ``loss`` is not weighted.
        loss: ``bce``, or a function of outputs and targets.
        figures: of ``loss``, ``macro_f1``, ``micro_f1``, ``exact`` (all labels right); the first is the primary one.
        metrics: figures of your own; see ``Base``.

    Raises:
        UserError: an option that does not hold.

    >>> task = Multilabel()
    >>> sums = task.totals(torch.tensor([[3.0, -3.0], [3.0, 3.0]]), torch.tensor([[1, 0], [1, 0]]))
    >>> {name: round(value, 3) for name, value in task.figures(sums).items()}
    {'loss': 0.799, 'macro_f1': 0.5, 'micro_f1': 0.8}
    """

    losses: ClassVar[tuple[str, ...]] = ("bce",)
    means = frozenset({LOSS, "exact"})

    def __init__(
        self,
        *,
        pos_weight: float | Sequence[float] | None = None,
        loss: Any = "",
        figures: Iterable[str] | None = None,
        metrics: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(
            known=_KNOWN, default=(LOSS, "macro_f1", "micro_f1"), loss=loss, figures=figures, metrics=metrics
        )
        self._weight = None if pos_weight is None else torch.as_tensor(pos_weight, dtype=torch.float32)
        if self._weight is not None and not bool((self._weight > 0).all()):
            raise UserError(f"pos_weight arrived as {quote(pos_weight)}; wanted numbers above 0")

    def check(self, targets: Any, where: str = "targets") -> None:
        """See ``Task.check``."""
        self._check_kind(targets, where)
        constant = (targets != targets[:1]).any(0).logical_not()
        if bool(constant.all()):
            raise DataError(f"{where} are the same for all {len(targets):,} samples; there is nothing to tell apart")
        if self._weight is not None and self._weight.ndim and len(self._weight) != targets.shape[1]:
            raise DataError(
                f"{where} have {targets.shape[1]} labels and pos_weight {len(self._weight)} numbers; wanted one "
                "number, or one for each label"
            )

    def check_other(self, targets: Any, where: str, width: int) -> None:
        """See ``Base.check_other``."""
        self._check_kind(targets, where)
        check_width(where, targets.shape[1], width)

    def _check_kind(self, targets: Any, where: str) -> None:
        said = "(N, labels), zeros and ones"
        if not isinstance(targets, Tensor):
            raise DataError(f"{where} arrived as a {type(targets).__name__}; wanted a tensor {said}")
        if targets.ndim != 2:
            cure = ""
            if targets.ndim == 1 and not targets.dtype.is_floating_point:
                cure = '. One class a sample: task = "classification"'
            raise DataError(f"{where} arrived with shape {tuple(targets.shape)}; wanted {said}{cure}")
        other = targets[(targets != 0) & (targets != 1)]
        if other.numel():
            raise DataError(
                f"{where} hold {float(other[0]):g}; wanted {said}. Numbers that are predicted as they are: task = "
                '"regression"; labels that are not known: leave those samples out'
            )

    def width(self, targets: Tensor) -> int:
        """Labels."""
        return int(targets.shape[1])

    def check_outputs(self, outputs: Any, targets: Any) -> None:
        """See ``Task.check_outputs``."""
        if not isinstance(outputs, Tensor) or outputs.shape != targets.shape:
            said = tuple(outputs.shape) if isinstance(outputs, Tensor) else f"a {type(outputs).__name__}"
            raise ModelError(f"the model gave {said}; wanted logits {tuple(targets.shape)}, one for each label")

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """See ``Task.loss``."""
        logits, wanted = outputs.float(), targets.float()
        if self.own is not None:
            return self.own.mean(logits, wanted)
        if self._weight is not None and self._weight.device != logits.device:
            self._weight = self._weight.to(logits.device)
        return F.binary_cross_entropy_with_logits(logits, wanted, pos_weight=self._weight)

    def rows(self, outputs: Tensor, targets: Tensor) -> Sums:
        """See ``Task.rows``."""
        logits, wanted = outputs.float(), targets.float()
        if self.own is None:
            loss = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none").mean(1)
        else:
            loss = self.own.each(logits, wanted)
        said, there = logits > 0, wanted > 0
        return {
            LOSS: counted(loss),
            "count": torch.ones(len(logits), dtype=torch.float64, device=logits.device),
            "exact": counted((said == there).all(1)),
            "true": counted(there),
            "predicted": counted(said),
            "both": counted(said & there),
        }

    def figures(self, sums: Sums) -> dict[str, float]:
        """See ``Task.figures``."""
        counts = sums["true"], sums["predicted"], sums["both"]
        nothing = not float(sums["true"].sum() + sums["predicted"].sum())
        return self.chosen(
            {
                LOSS: ratio(sums[LOSS], sums["count"]),
                "macro_f1": 0.0 if nothing else macro_f1(*counts),
                "micro_f1": micro_f1(*counts),
                "exact": ratio(sums["exact"], sums["count"]),
            }
        )

    def sketches(self, outputs: Tensor, targets: Tensor) -> tuple[Sketch, ...]:
        """Labels that apply, and those with a probability above a half."""

        def numbers(there: Tensor) -> tuple[float, ...]:
            return tuple(there.nonzero().flatten().tolist())

        pairs = zip(targets > 0, outputs.float() > 0, strict=True)
        return tuple(Sketch("labels", numbers(truth), numbers(said)) for truth, said in pairs)

    def guess(self, targets: Tensor) -> Tensor:
        """The log-odds of each label's share."""
        share = targets.double().mean(0).clamp(1e-6, 1 - 1e-6)
        return (share / (1 - share)).log().float()[None]

"""A class for each pixel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from droplab.errors import DataError, ModelError
from droplab.records import Measure
from droplab.tasks.base import LOSS, Base, counted, ratio
from droplab.tasks.counts import check_classes, macro_f1, mean_iou
from droplab.tasks.sketch import Sketch
from droplab.tasks.task import Sums

_KNOWN = (
    Measure(LOSS, "lower", "nats"),
    Measure("miou", "higher", "share"),
    Measure("accuracy", "higher", "share"),
    Measure("macro_f1", "higher", "share"),
)
_WANTED = "(N, H, W) class numbers 0, 1, 2, …"


class Segmentation(Base):
    """Cross-entropy of logits ``(N, classes, H, W)`` against classes ``(N, H, W)``, the mean over pixels; mean IoU.

    Args:
        ignore_index: pixels of that number count nowhere.
        loss: ``cross_entropy``, or a function of outputs and targets, which sees the ignored pixels.
        figures: of ``loss``, ``miou``, ``accuracy`` (of pixels), ``macro_f1`` (Dice); the first is the primary one.
        metrics: figures of your own; see ``Base``.

    Raises:
        UserError: an option that does not hold.

    >>> task = Segmentation(ignore_index=255)
    >>> logits = torch.tensor([[[[5.0, 5.0, 0.0]], [[0.0, 0.0, 5.0]]]])
    >>> round(task.figures(task.totals(logits, torch.tensor([[[0, 255, 1]]])))["miou"], 3)
    1.0
    """

    losses: ClassVar[tuple[str, ...]] = ("cross_entropy",)
    means = frozenset({LOSS, "accuracy"})

    def __init__(
        self,
        *,
        ignore_index: int = -100,
        loss: Any = "",
        figures: Iterable[str] | None = None,
        metrics: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(known=_KNOWN, default=(LOSS, "miou", "accuracy"), loss=loss, figures=figures, metrics=metrics)
        self._ignore = ignore_index

    def check(self, targets: Any, where: str = "targets") -> None:
        """See ``Task.check``."""
        counting = check_classes(where, targets, 3, _WANTED, self._ignore)
        if int(counting.max()) == 0:
            raise DataError(f"{where} are all 0: there is one class, and nothing to tell apart")

    def check_other(self, targets: Any, where: str, width: int) -> None:  # noqa: ARG002  # fewer classes are no harm
        """See ``Base.check_other``."""
        check_classes(where, targets, 3, _WANTED, self._ignore)

    def width(self, targets: Tensor) -> int:
        """Classes: the largest number that counts, and one."""
        return int(targets[targets != self._ignore].max()) + 1

    def check_outputs(self, outputs: Any, targets: Any) -> None:
        """See ``Task.check_outputs``."""
        counting = targets[targets != self._ignore]
        classes = int(counting.max()) + 1 if counting.numel() else 1
        samples, height, width = targets.shape
        wanted = f"logits ({samples}, {classes} or more, {height}, {width})"
        if not isinstance(outputs, Tensor):
            raise ModelError(f"the model gave a {type(outputs).__name__}; wanted {wanted}")
        shape = tuple(outputs.shape)
        if len(shape) != 4 or (shape[0], *shape[2:]) != (samples, height, width) or shape[1] < classes:
            raise ModelError(f"the model gave {shape}; wanted {wanted}, as targets are {tuple(targets.shape)}")

    def _flat(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits ``(N, classes, P)``, classes ``(N, P)`` with 0 where ignored, and what counts ``(N, P)``."""
        logits = outputs.float().flatten(2)
        there = targets.flatten(1).long()
        counts = there != self._ignore
        return logits, torch.where(counts, there, 0), counts

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """See ``Task.loss``; 0 for a batch of which no pixel counts."""
        if self.own is not None:
            return self.own.mean(outputs.float(), targets.long())
        logits, there, counts = self._flat(outputs, targets)
        each = F.cross_entropy(logits, there, reduction="none")
        return (each * counts).sum() / counts.sum().clamp(min=1)

    def rows(self, outputs: Tensor, targets: Tensor) -> Sums:
        """See ``Task.rows``."""
        logits, there, counts = self._flat(outputs, targets)
        pixels = counted(counts.sum(1))
        if self.own is None:
            loss = (F.cross_entropy(logits, there, reduction="none") * counts).double().sum(1)
        else:
            loss = self.own.each(outputs.float(), targets.long(), counts)
        said, classes = logits.argmax(1), logits.shape[1]
        zeros = torch.zeros(len(logits), classes, dtype=torch.float64, device=logits.device)
        ones = counts.double()
        both = ((said == there) & counts).double()
        return {
            LOSS: loss,
            "count": pixels,
            "true": zeros.scatter_add(1, there, ones),
            "predicted": zeros.scatter_add(1, said, ones),
            "both": zeros.scatter_add(1, there, both),
        }

    def figures(self, sums: Sums) -> dict[str, float]:
        """See ``Task.figures``."""
        counts = sums["true"], sums["predicted"], sums["both"]
        return self.chosen(
            {
                LOSS: ratio(sums[LOSS], sums["count"]),
                "miou": mean_iou(*counts),
                "accuracy": ratio(sums["both"].sum(), sums["count"]),
                "macro_f1": macro_f1(*counts),
            }
        )

    def sketches(self, outputs: Tensor, targets: Tensor) -> tuple[Sketch, ...]:
        """Maps of classes."""

        def rows(classes: Tensor) -> tuple[tuple[int, ...], ...]:
            return tuple(map(tuple, classes.tolist()))

        pairs = zip(torch.where(targets != self._ignore, targets.long(), -1), outputs.float().argmax(1), strict=True)
        return tuple(Sketch("map", rows(truth), rows(said)) for truth, said in pairs)

    def guess(self, targets: Tensor) -> Tensor:
        """The logarithm of each class's share of the pixels, at every pixel."""
        counts = torch.bincount(targets[targets != self._ignore].long(), minlength=self.width(targets)).double()
        share = (counts / counts.sum()).clamp(min=1e-12).log().float()
        return share[None, :, None, None].expand(1, -1, *targets.shape[1:])

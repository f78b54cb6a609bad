"""One class of several for each sample."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from droplab.errors import DataError, ModelError, UserError, quote
from droplab.records import CLASSIFICATION, Measure, Predictions
from droplab.tasks.base import LOSS, Base, counted, ratio
from droplab.tasks.counts import balanced_accuracy, check_classes, confusion, macro_f1
from droplab.tasks.sketch import Sketch
from droplab.tasks.task import Sums, Task

_MACRO_F1 = Measure("macro_f1", "higher", "share")
_BALANCED = Measure("balanced_accuracy", "higher", "share")
_WANTED = "(N,) class numbers 0, 1, 2, …"


class Classification(Base):
    """Cross-entropy of logits ``(N, classes)`` against classes ``(N,)``, and the share that is right.

    Class weights and label smoothing change what is minimised. The figure ``loss`` is the plain cross-entropy in nats,
    so that recipes can be compared by it.

    Args:
        class_weights: one for each class; or ``"balanced"``, the inverse of its share of the training targets.
        label_smoothing: share of each target that is spread over all classes, in [0, 1).
        top_k: adds the figure ``top{k}``: the true class is among the k likeliest.
        loss: ``cross_entropy``, or a function of outputs and targets.
        figures: of ``loss``, ``accuracy``, ``macro_f1``, ``balanced_accuracy``, ``top{k}``; the first is the primary
            one.
        metrics: figures of your own; see ``Base``.

    Raises:
        UserError: an option that does not hold.

    >>> task = Classification(figures=["macro_f1", "loss"])
    >>> outputs, targets = torch.tensor([[2.0, 0.0], [2.0, 0.0]]), torch.tensor([0, 1])
    >>> round(task.figures(task.totals(outputs, targets))["macro_f1"], 4)
    0.3333
    """

    losses: ClassVar[tuple[str, ...]] = ("cross_entropy",)

    def __init__(
        self,
        *,
        class_weights: Sequence[float] | str | None = None,
        label_smoothing: float = 0.0,
        top_k: int | None = None,
        loss: Any = "",
        figures: Iterable[str] | None = None,
        metrics: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        if not 0 <= label_smoothing < 1:
            raise UserError(f"label_smoothing arrived as {quote(label_smoothing)}; wanted a share in [0, 1)")
        if top_k is not None and (isinstance(top_k, bool) or not isinstance(top_k, int) or top_k < 2):
            raise UserError(f"top_k arrived as {quote(top_k)}; wanted a whole number, 2 or more")
        if isinstance(class_weights, str) and class_weights != "balanced":
            raise UserError(
                f'class_weights arrived as {quote(class_weights)}; wanted "balanced", or a number per class'
            )
        top = [] if top_k is None else [Measure(f"top{top_k}", "higher", "share", counted=True)]
        super().__init__(
            known=(*CLASSIFICATION, *top, _MACRO_F1, _BALANCED),
            default=[measure.name for measure in (*CLASSIFICATION, *top)],
            loss=loss,
            figures=figures,
            metrics=metrics,
        )
        self.means = frozenset({LOSS, "accuracy", *(measure.name for measure in top)})
        self._top, self._smoothing = top_k, float(label_smoothing)
        self._balanced = class_weights == "balanced"
        self._weights = None
        if class_weights is not None and not self._balanced:
            self._weights = torch.tensor(list(map(float, class_weights)))
            if bool((self._weights < 0).any()) or not bool(self._weights.isfinite().all()):
                raise UserError(f"class_weights arrived as {quote(class_weights)}; wanted numbers, 0 or larger")
        self._matrix = bool(self.names() & {_MACRO_F1.name, _BALANCED.name})

    def check(self, targets: Any, where: str = "targets") -> None:
        """See ``Task.check``; balanced class weights are those of the first targets that are checked."""
        classes = check_classes(where, targets, 1, _WANTED)
        width = self.width(targets)
        if width < 2:
            raise DataError(f"{where} are all 0: there is one class, and nothing to tell apart")
        if self._balanced and self._weights is None:
            counts = torch.bincount(classes, minlength=width).double()
            self._weights = torch.where(counts > 0, len(classes) / (width * counts.clamp(min=1)), 0.0).float()
        if self._weights is not None and len(self._weights) < width:
            raise DataError(
                f"{where} have {width} classes and class_weights {len(self._weights)} numbers; wanted one for each "
                'class: class_weights = "balanced"'
            )

    def check_other(self, targets: Any, where: str, width: int) -> None:  # noqa: ARG002  # fewer classes are no harm
        """See ``Base.check_other``."""
        check_classes(where, targets, 1, _WANTED)

    @property
    def balanced(self) -> bool:
        """Whether class weights are counted from targets."""
        return self._balanced

    def width(self, targets: Tensor) -> int:
        """Classes: the largest number and one."""
        return int(targets.max()) + 1

    def check_outputs(self, outputs: Any, targets: Any) -> None:
        """See ``Task.check_outputs``."""
        classes = self.width(targets)
        if not isinstance(outputs, Tensor) or outputs.ndim != 2 or len(outputs) != len(targets):
            raise ModelError(f"the model gave {_said(outputs)}; wanted logits ({len(targets)}, {classes} or more)")
        if outputs.shape[1] < classes:
            raise ModelError(
                f"the model gave logits for {outputs.shape[1]} classes, and targets go up to {classes - 1}; wanted "
                f"{classes} outputs: its function is told classes"
            )
        if self._weights is not None and not self._balanced and len(self._weights) != outputs.shape[1]:
            raise ModelError(
                f"the model gave logits for {outputs.shape[1]} classes, and class_weights has {len(self._weights)} "
                "numbers; wanted one for each class"
            )
        if self._top is not None and outputs.shape[1] <= self._top:
            raise ModelError(f"top_k is {self._top} with {outputs.shape[1]} classes; that is always right")

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """See ``Task.loss``."""
        if self.own is not None:
            return self.own.mean(outputs.float(), targets)
        if self._balanced and self._weights is None:
            raise UserError('class_weights = "balanced" are counted from targets: call task.check(targets) first')
        weights = self._weights
        if weights is not None and weights.device != outputs.device:
            weights = self._weights = weights.to(outputs.device)
        if weights is not None and self._balanced and len(weights) < outputs.shape[1]:
            weights = self._weights = F.pad(weights, (0, outputs.shape[1] - len(weights)))  # no sample has those
        return F.cross_entropy(outputs.float(), targets, weights, label_smoothing=self._smoothing)

    def rows(self, outputs: Tensor, targets: Tensor) -> Sums:
        """See ``Task.rows``."""
        logits = outputs.float()
        loss = (
            F.cross_entropy(logits, targets, reduction="none") if self.own is None else self.own.each(logits, targets)
        )
        return {LOSS: counted(loss), **self._counts(logits, targets)}

    def totals(self, outputs: Tensor, targets: Tensor) -> Sums:
        """See ``Task.totals``; the loss is added in float32 within a batch."""
        if self.own is not None:
            return super().totals(outputs, targets)
        logits = outputs.float()
        counts = {name: rows.sum(0) for name, rows in self._counts(logits, targets).items()}
        return {LOSS: counted(F.cross_entropy(logits, targets, reduction="sum")), **counts}

    def trained(self, outputs: Tensor, targets: Tensor, loss: Tensor) -> Sums:
        """See ``Task.trained``; a step's few microseconds count, so it counts no more than it must."""
        whole = counted(loss * len(targets))
        if not self._matrix and self._top is None:
            count = torch.tensor(len(targets), dtype=torch.float64)
            return {LOSS: whole, "count": count, "hit": (outputs.argmax(1) == targets).sum()}
        counts = {name: rows.sum(0) for name, rows in self._counts(outputs.float(), targets).items()}
        return {LOSS: whole, **counts}

    def _counts(self, logits: Tensor, targets: Tensor) -> dict[str, Tensor]:
        predicted = logits.argmax(1)
        found = {"count": torch.ones_like(targets, dtype=torch.float64), "hit": counted(predicted == targets)}
        if self._top is not None:
            found["top"] = counted((logits.topk(self._top, 1).indices == targets[:, None]).any(1))
        if self._matrix:
            found |= confusion(predicted, targets, logits.shape[1])
        return found

    def figures(self, sums: Sums) -> dict[str, float]:
        """See ``Task.figures``."""
        found = {LOSS: ratio(sums[LOSS], sums["count"]), "accuracy": ratio(sums["hit"], sums["count"])}
        if self._top is not None:
            found[f"top{self._top}"] = ratio(sums["top"], sums["count"])
        if self._matrix:
            found[_MACRO_F1.name] = macro_f1(sums["true"], sums["predicted"], sums["both"])
            found[_BALANCED.name] = balanced_accuracy(sums["true"], sums["both"])
        return self.chosen(found)

    def guess(self, targets: Tensor) -> Tensor:
        """The logarithm of each class's share: the majority class, and the entropy as loss."""
        counts = torch.bincount(targets, minlength=self.width(targets)).double()
        return (counts / counts.sum()).clamp(min=1e-12).log().float()[None]

    def strata(self, targets: Tensor) -> Tensor:
        """The classes themselves."""
        return targets

    def shown(self, outputs: Tensor, targets: Tensor) -> Predictions:
        """The class of each sample, and the probability given to the true one."""
        logits = outputs.float()
        confidence = logits.softmax(1).gather(1, targets[:, None])[:, 0]
        return Predictions(tuple(logits.argmax(1).tolist()), tuple(confidence.tolist()))

    def sketches(self, outputs: Tensor, targets: Tensor) -> tuple[Sketch, ...]:
        """Classes."""
        said = outputs.float().argmax(1)
        return tuple(
            Sketch("class", (truth,), (one,)) for truth, one in zip(targets.tolist(), said.tolist(), strict=True)
        )


def smoothed(task: Task, share: float) -> Task:
    """The task with label smoothing in what is minimised; its figures stay what they are. 0 leaves it alone.

    Raises:
        UserError: a task that is no classification.

    >>> outputs, targets = torch.tensor([[2.0, 0.0]]), torch.tensor([0])
    >>> plain = Classification()
    >>> float(smoothed(plain, 0.1).loss(outputs, targets) - plain.loss(outputs, targets))  # 0.1 / 2 · (2 - 0)
    0.1...
    """
    if not share:
        return task
    if not isinstance(task, Classification):
        raise UserError(f"label smoothing is for classes, and the task is a {type(task).__name__}; leave it out")
    changed = copy.copy(task)
    changed._smoothing = share  # noqa: SLF001  # its own
    return changed


def _said(outputs: Any) -> str:
    return f"a tensor {tuple(outputs.shape)}" if isinstance(outputs, Tensor) else f"a {type(outputs).__name__}"

"""What droplab's own tasks share: figures that are chosen, a loss that is the user's, sums over rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from droplab.errors import DataError, UserError, quote, suggest
from droplab.measures import read_measures
from droplab.records import Measure, Predictions
from droplab.tasks.own import OwnLoss, whole_of
from droplab.tasks.sketch import Sketch
from droplab.tasks.task import Sums, Whole

LOSS = "loss"


class Base(ABC):
    """Base of droplab's tasks.

    Args:
        losses: names of the losses that the task knows; the first is its default.
        known: the figures that it has.
        default: names of those that it measures where none are chosen.
        loss: one of ``losses``, or a function (``pkg.module:function``) of outputs and targets.
        figures: names of ``known`` in the order wanted; the first is the primary one.
        metrics: figures of the user's: ``{name: {"function": "pkg.module:function", "better": "higher"}}``.

    Raises:
        UserError: an unknown loss or figure, or a function that cannot be had.
    """

    losses: ClassVar[tuple[str, ...]] = ()
    means: frozenset[str] = frozenset({LOSS})

    def __init__(
        self,
        *,
        known: Iterable[Measure],
        default: Iterable[str],
        loss: Any = "",
        figures: Iterable[str] | None = None,
        metrics: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        what = type(self).__name__.lower()
        available = {measure.name: measure for measure in known}
        extra, functions = whole_of(metrics or {})
        chosen = tuple(default) + tuple(extra) if figures is None else tuple(figures)
        for name in chosen:
            if name not in available and name not in extra:
                known_names = (*available, *extra)
                raise UserError(
                    f"{what} has no figure {quote(name)}{suggest(str(name), known_names)}; it has "
                    f"{', '.join(known_names)}. Another one comes with metrics = {{ {name} = {{ function = "
                    '"pkg.module:function", better = "higher" } }'
                )
        self.measures = read_measures([{**available, **extra}[name] for name in chosen])
        self.whole: Mapping[str, Whole] = {name: functions[name] for name in functions if name in chosen}
        self.loss_name = loss or self.losses[0]
        self.own: OwnLoss | None = None
        if self.loss_name not in self.losses:
            self.own = OwnLoss(loss, what, self.losses)

    def names(self) -> set[str]:
        """Names of the figures that are wanted."""
        return {measure.name for measure in self.measures}

    def check_other(self, targets: Any, where: str, width: int) -> None:  # noqa: B027  # a task may take any
        """Of a part that is not trained on: targets of the same kind, which need not vary.

        Args:
            targets: what arrived.
            where: names them in messages.
            width: ``Task.width`` of the training targets.

        Raises:
            DataError: targets that are none of this task.
        """

    @abstractmethod
    def rows(self, outputs: Tensor, targets: Any) -> Sums:
        """See ``Task.rows``."""

    def totals(self, outputs: Tensor, targets: Any) -> Sums:
        """See ``Task.totals``."""
        return {name: rows.sum(0) for name, rows in self.rows(outputs, targets).items()}

    def trained(self, outputs: Tensor, targets: Any, loss: Tensor) -> Sums:
        """See ``Task.trained``."""
        sums = self.totals(outputs, targets)
        return {**sums, LOSS: counted(loss * sums["count"])}

    def strata(self, targets: Any) -> Tensor | None:  # noqa: ARG002  # no classes to split by
        """See ``Task.strata``."""
        return None

    def shown(self, outputs: Tensor, targets: Any) -> Predictions | None:  # noqa: ARG002  # nothing to show
        """See ``Task.shown``."""
        return None

    def sketches(self, outputs: Tensor, targets: Any) -> tuple[Sketch, ...]:  # noqa: ARG002  # nothing to draw
        """See ``Task.sketches``."""
        return ()

    def chosen(self, figures: Mapping[str, float]) -> dict[str, float]:
        """Of all figures that are at hand those that are measured, in their order."""
        return {measure.name: figures[measure.name] for measure in self.measures if measure.name in figures}


def check_width(where: str, found: int, wanted: int) -> None:
    """Raise ``DataError`` where targets have another number of columns than those of the training part.

    >>> check_width("targets of validation", 1, 2)
    Traceback (most recent call last):
    droplab.errors.DataError: targets of validation have shape (N, 1) and those of train (N, 2); wanted the same
    """
    if found != wanted:
        raise DataError(f"{where} have shape (N, {found}) and those of train (N, {wanted}); wanted the same")


def ratio(part: Tensor, whole: Tensor) -> float:
    """``part / whole``; NaN where the whole is nothing."""
    return float(part) / float(whole) if float(whole) else float("nan")


def counted(value: Tensor) -> Tensor:
    """Rows as they are added: float64."""
    return value.to(torch.float64)

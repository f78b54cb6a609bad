"""What a loop reports, as figures of an epoch: names that are measures', numbers that are numbers."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from droplab.errors import DivergedError, UserError, quote, suggest
from droplab.measures import PARTS
from droplab.records import Measure


class Figures:
    """The figures of one epoch, as they are reported.

    Args:
        measures: the experiment's.
        epoch: counted from 0.

    >>> figures = Figures((Measure("loss", "lower"), Measure("f1", "higher")), 0)
    >>> figures.add({"fit_loss": 0.5, "val_loss": 0.75})
    >>> figures.add({"f1": 0.9})
    >>> figures.whole(step=3)
    {'fit_loss': 0.5, 'val_loss': 0.75, 'val_f1': 0.9, 'gap': 0.25}
    """

    def __init__(self, measures: tuple[Measure, ...], epoch: int) -> None:
        self._measures = measures
        self._epoch = epoch
        self._values: dict[str, float] = {}

    def __bool__(self) -> bool:
        return bool(self._values)

    def add(self, figures: Mapping[str, Any]) -> None:
        """Take what a call of ``run.report`` reports.

        Raises:
            UserError: a name that is no measure's, one that was reported already, or a value that is no number.
        """
        known = [name for measure in self._measures for name in _names(measure)]
        for given, value in figures.items():
            if given not in known:
                raise UserError(
                    f"run.report got {given}={quote(value)}; the experiment's measures are "
                    f"{', '.join(measure.name for measure in self._measures)}{suggest(given, known)}. Report a "
                    f"measure as train_NAME, fit_NAME or val_NAME, or declare {quote(given)} with measures="
                )
            name = f"val_{given}" if any(given == measure.name for measure in self._measures) else given
            if name in self._values:
                raise UserError(
                    f"{name} was reported twice in epoch {self._epoch + 1}; report each figure once an epoch, after "
                    "its batches"
                )
            self._values[name] = number(name, value)

    def whole(self, step: int) -> dict[str, float]:
        """All figures of the epoch, the generalisation gap among them where it can be had.

        Raises:
            UserError: a measure was not reported.
            DivergedError: the primary measure is no longer finite.
        """
        missing = [f"val_{measure.name}" for measure in self._measures if f"val_{measure.name}" not in self._values]
        if missing:
            reported = f"only {', '.join(self._values)}" if self._values else "nothing"
            raise UserError(
                f"epoch {self._epoch + 1} ended and {reported} was reported; every epoch reports every measure: "
                f"run.report({', '.join(f'{name}=…' for name in missing)})"
            )
        first = self._measures[0]
        for name in (f"{part}_{first.name}" for part in PARTS):
            if not math.isfinite(self._values.get(name, 0.0)):
                raise DivergedError(f"{name} is no longer finite (epoch {self._epoch + 1})", step=step)
        fit, held = self._values.get(f"fit_{first.name}"), self._values[f"val_{first.name}"]
        gap = {} if fit is None else {"gap": (fit - held) * first.sign}
        return {**self._values, **gap}


def _names(measure: Measure) -> tuple[str, ...]:
    return (measure.name, *(f"{part}_{measure.name}" for part in PARTS))


def number(name: str, value: Any) -> float:
    """A figure as a number; NaN is one, which the ledger keeps.

    Raises:
        UserError: it is none, or hangs on a graph.

    >>> number("val_loss", "0.5")
    Traceback (most recent call last):
    ...
    droplab.errors.UserError: run.report got val_loss='0.5', a str; a number or a tensor of one number is wanted
    """
    if isinstance(value, Tensor):
        if value.requires_grad:
            raise UserError(
                f"run.report got {name} as a tensor with a gradient, which would keep its whole graph alive; report "
                f"{name}.item(), or compute it under torch.no_grad()"
            )
        if value.ndim or value.is_complex():
            raise UserError(
                f"run.report got {name} as a {value.dtype} tensor of shape {tuple(value.shape)}; one number for all "
                "samples is wanted, such as its mean()"
            )
        return float(value)
    if isinstance(value, bool | str | bytes | complex) or not hasattr(value, "__float__"):
        raise UserError(
            f"run.report got {name}={quote(value)}, a {type(value).__name__}; a number or a tensor of one number is "
            "wanted"
        )
    try:
        return float(value)
    except (TypeError, ValueError) as problem:
        raise UserError(
            f"run.report got {name}={quote(value)}, a {type(value).__name__} ({problem}); one number is wanted"
        ) from None
    except OverflowError:
        return math.copysign(math.inf, operator.gt(value, 0) - 0.5)

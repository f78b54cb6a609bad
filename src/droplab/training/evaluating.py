"""A loop's own evaluation, called after each epoch, and once after a checkpoint was loaded: is the run what it was?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, final

from droplab.errors import UserError, quote
from droplab.training.reports import Reports
from droplab.training.seeding import borrowed_generators, seed_everything

Evaluate = Callable[[], Mapping[str, Any] | None]


@final
class Evaluation:
    """What ``run.epochs(…, evaluate=…)`` was given.

    Args:
        evaluate: returns figures, or reports them itself.
        reports: the run's.

    Raises:
        UserError: it cannot be called.
    """

    def __init__(self, evaluate: Evaluate, reports: Reports) -> None:
        if not callable(evaluate):
            raise UserError(
                f"run.epochs got evaluate={quote(evaluate)}; a function without arguments is wanted, which returns "
                "the figures of an epoch"
            )
        self._evaluate, self._reports = evaluate, reports

    def report(self) -> None:
        """The figures of the epoch."""
        found = self._evaluate()
        if isinstance(found, Mapping):
            self._reports.report(found, in_ledger=0)
        elif found is not None:
            raise UserError(
                f"evaluate returned {quote(found)}, a {type(found).__name__}; a dict of figures is wanted, "
                "{'val_loss': 0.5}, or nothing where it calls run.report itself"
            )

    def differs(self, expected: float, *, exact: bool) -> float | None:
        """The primary measure now, where it is not what is expected; figures are told to nobody.

        Args:
            expected: what was reported when the checkpoint was written.
            exact: where it has to be the same to the bit.
        """
        now = self._value("")
        if now == expected or math.isnan(expected) or (not exact and math.isclose(now, expected, rel_tol=1e-3)):
            return None
        if self._value("another draw") != now:
            return None  # random in evaluation too: a figure that does not repeat itself tells nothing
        return now

    def _value(self, purpose: str) -> float:
        with borrowed_generators(), self._reports.apart() as figures:
            if purpose:
                seed_everything(0, purpose)
            self.report()
            return figures.primary()

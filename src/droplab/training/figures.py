"""What a loop reports, as figures of an epoch: names that are measures', numbers that are numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from droplab.errors import DivergedError, UserError, quote, suggest
from droplab.folds import Pairs
from droplab.measures import GAP, PARTS
from droplab.records import Histogram, Measure, Predictions, SampleValues
from droplab.training.folded import Folded, part_of
from droplab.training.gathering import Gathered
from droplab.training.numbers import number

_OWN = (GAP, "seconds", "images_per_second")
_OWN_TABLES = ("p/", "site_norm/")


@final
@dataclass
class Attached:
    """What the house's own loop gives to the ledger beside an epoch's figures."""

    folds: Mapping[str, Pairs] = field(default_factory=dict)
    histograms: tuple[Histogram, ...] = ()
    predictions: Predictions | None = None
    samples: Mapping[str, SampleValues] = field(default_factory=dict)


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
        self.samples: dict[str, Gathered] = {}
        """Figures that are reported sample by sample."""
        self.folded: dict[str, Folded] = {}
        """Figures of all samples together, with outputs and targets."""
        self.logged: dict[str, float] = {}
        """Figures that are no measures."""
        self.attached = Attached()

    def __bool__(self) -> bool:
        return bool(self._values or self.samples or self.folded)

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
            if any(name in known for known in (self._values, self.samples, self.folded)):
                raise UserError(
                    f"{name} was reported twice in epoch {self._epoch + 1}; report each figure once an epoch, after "
                    "its batches"
                )
            self._values[name] = number(name, value)

    def log(self, figures: Mapping[str, Any]) -> None:
        """Take what a call of ``run.log`` gives; a later value takes the place of one before.

        Raises:
            UserError: a name that is a measure's or droplab's own, or a value that is no number.
        """
        known = {name: measure.name for measure in self._measures for name in _names(measure)}
        for name, value in figures.items():
            if name in known:
                raise UserError(f"run.log got {name}={quote(value)}, and {known[name]} is a measure; run.report it")
            if not isinstance(name, str) or not name or name in _OWN or name.startswith(_OWN_TABLES):
                raise UserError(
                    f"run.log got the name {quote(name)}; a text is wanted, and none of those by which droplab keeps "
                    f"figures of its own: {', '.join(_OWN)}, {', '.join(f'{table}…' for table in _OWN_TABLES)}"
                )
            self.logged[name] = number(name, value, "log")

    def add_samples(self, figures: Mapping[str, Any], ids: Any) -> None:
        """Take what a call of ``run.report_samples`` reports.

        Raises:
            UserError: a name that is no measure's on validation samples, or reported as one number already; values
                or ids that are none.
        """
        if not figures:
            raise UserError(
                "run.report_samples got no figures; one number for each sample is wanted: "
                f"run.report_samples(val_{self._measures[0].name}=losses, ids=ids)"
            )
        for given, values in figures.items():
            name = self._held("report_samples", given, self.folded)
            self.samples.setdefault(name, Gathered(name)).add(values, ids)

    def add_folded(self, functions: Mapping[str, Any], outputs: Any, targets: Any, ids: Any) -> None:
        """Take what a call of ``run.report_folds`` reports.

        Raises:
            UserError: a name that is no measure's on validation samples, or reported otherwise already; what is no
                function; outputs, targets or ids that are none.
        """
        example = f"run.report_folds(outputs, targets, ids=ids, val_{self._measures[-1].name}=function)"
        if not functions:
            raise UserError(f"run.report_folds got no measure; a function of outputs and targets is wanted: {example}")
        names = [self._held("report_folds", given, self.samples) for given in functions]
        for given, function in functions.items():
            if not callable(function):
                raise UserError(
                    f"run.report_folds got {given}={quote(function)}; a function of outputs and targets is wanted: "
                    f"{example}. What is known as one number goes to run.report"
                )
        part = part_of(outputs, targets, ids)
        for name, function in zip(names, functions.values(), strict=True):
            self.folded.setdefault(name, Folded(name)).add(function, part)

    def _held(self, call: str, given: str, elsewhere: Mapping[str, Any]) -> str:
        """The whole name of a measure on validation samples, which comes by no other call."""
        names = {given: f"val_{m.name}" for m in self._measures for given in (m.name, f"val_{m.name}")}
        name = names.get(given)
        if name is None:
            raise UserError(
                f"run.{call} got {given}=…; it takes measures on validation samples: "
                f"{', '.join(dict.fromkeys(names.values()))}{suggest(given, list(names))}. What is no mean over "
                "samples goes to run.report_folds, what is known as one number to run.report"
            )
        if name in self._values:
            raise UserError(
                f"{name} was reported as one number already in epoch {self._epoch + 1}; report it once, with "
                f"run.report or with run.{call}"
            )
        if name in elsewhere:
            raise UserError(
                f"{name} came by run.report_samples and by run.report_folds in epoch {self._epoch + 1}; report it by "
                "one of them"
            )
        return name

    def settled(self) -> Figures:
        """Itself, with every figure taken that needs all samples at once."""
        for folded in self.folded.values():
            folded.settle()
        return self

    def _known(self) -> dict[str, float]:
        means = {name: gathered.mean for name, gathered in self.samples.items()}
        return {**self._values, **means, **{name: folded.value for name, folded in self.folded.items()}}

    def folds(self) -> dict[str, Pairs]:
        """What the ledger has of figures on folds of the validation samples."""
        pairs = {name: gathered.pairs for name, gathered in self.samples.items()}
        for folded in self.folded.values():
            pairs |= folded.pairs
        return {**self.attached.folds, **pairs}

    def unlike(self, other: Figures) -> str:
        """Where another process's figures of the epoch, as far as it has any, are not these; an empty text otherwise.

        What is measured while a process trains is its own.

        >>> ours, theirs = Figures((Measure("loss", "lower"),), 0), Figures((Measure("loss", "lower"),), 0)
        >>> ours.add({"loss": 0.5, "train_loss": 1.0})
        >>> theirs.add({"loss": 0.75, "train_loss": 2.0})
        >>> ours.unlike(theirs)
        'val_loss 0.75, not 0.5'
        """
        mine, yours = self._known(), other._known()
        for name, value in yours.items():
            known = mine.get(name, math.nan)
            same = value == known or (math.isnan(value) and math.isnan(known))
            if not name.startswith("train_") and not same and not math.isclose(value, known, rel_tol=1e-6):
                return f"{name} {value:.9g}, not {known:.9g}"
        return ""

    def primary(self) -> float:
        """The primary measure on validation samples; NaN where it was not reported."""
        return self._known().get(f"val_{self._measures[0].name}", math.nan)

    def whole(self, step: int) -> dict[str, float]:
        """All figures of the epoch, the generalisation gap among them where it can be had.

        Raises:
            UserError: a measure was not reported.
            DivergedError: the primary measure is no longer finite.
        """
        self._values = self._known()
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
                which = f": {self.samples[name].odd or 'of no samples'}" if name in self.samples else ""
                raise DivergedError(f"{name} is no longer finite (epoch {self._epoch + 1}){which}", step=step)
        for name, gathered in self.samples.items():
            if gathered.odd:
                raise UserError(
                    f"run.report_samples got {name}={gathered.odd}, in epoch {self._epoch + 1}; give a number for "
                    "every sample, or report the mean of those that have one with run.report"
                )
        fit, held = self._values.get(f"fit_{first.name}"), self._values[f"val_{first.name}"]
        gap = {} if fit is None else {"gap": (fit - held) * first.sign}
        return {**self._values, **gap}


def _names(measure: Measure) -> tuple[str, ...]:
    return (measure.name, *(f"{part}_{measure.name}" for part in PARTS))


def check_named(call: str, unnamed: tuple[Any, ...]) -> None:
    """Raise ``UserError`` where a figure came without a name.

    >>> check_named("report", ())
    """
    if unnamed:
        raise UserError(
            f"run.{call} got {quote(unnamed[0])} without a name; name each figure, run.{call}(val_loss=0.5), or give a "
            f"table of them as run.{call}(**figures)"
        )

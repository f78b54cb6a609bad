"""What a run reports, epoch by epoch, on its way to the ledger."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, final

from droplab.errors import UserError
from droplab.records import Measurement, Notice
from droplab.resampling import NOTICE
from droplab.training.figures import Attached, Figures
from droplab.training.loaders import Loaders
from droplab.training.models import Models
from droplab.training.once import Once
from droplab.training.port import Port
from droplab.training.progress import Progress
from droplab.training.ranks import Ranks
from droplab.training.sampled import Sampled
from droplab.training.terms import Terms

_STARTS_AGAIN = "starts_again"


@final
class Reports:
    """The figures of the epoch that is open, and its clock.

    Args:
        terms: the experiment's.
        models: their rates are figures too, and adaptive ones move by the others.
        loaders: their first batches are told with the figures.
        progress: the run's.
        once: the run's notices.
        port: to the ledger.
        ranks: report the same.
    """

    def __init__(
        self,
        terms: Terms,
        models: Models,
        loaders: Loaders,
        progress: Progress,
        once: Once,
        port: Port,
        ranks: Ranks,
    ) -> None:
        self._terms, self._models, self._loaders = terms, models, loaders
        self._progress, self._once, self._port, self._ranks = progress, once, port, ranks
        self._figures: Figures | None = None
        self._ahead: dict[str, Any] = {}
        self._weights_told = False
        self.last = math.nan
        """The primary measure, as the ledger had it last."""
        self.rates: dict[str, float] = {}
        """``p/SITE`` with which it was measured."""
        self.sampled = Sampled(terms.measures[0], terms.keep_samples, once)
        self._began = self._until = time.perf_counter()
        self._samples: int | None = 0

    @property
    def alone(self) -> bool:
        """Whether the loop has reported outside of ``run.epochs``: each of these reports was an epoch."""
        return _STARTS_AGAIN in self._once

    def open(self) -> None:
        """An epoch begins."""
        self._figures = Figures(self._terms.measures, self._progress.epoch)
        self._start_clock()

    def _start_clock(self) -> None:
        self._began = self._until = time.perf_counter()
        self._samples = 0

    def stepped(self) -> None:
        """A step has ended; what follows the last one of an epoch is not training."""
        self._until = time.perf_counter()

    def count(self, samples: int | None) -> None:
        """So many samples are trained on; ``None`` where nobody knows."""
        if samples is None:
            self._samples = None
        elif self._samples is not None:
            self._samples += samples

    def report(self, figures: Mapping[str, Any], *, in_ledger: int) -> None:
        """See ``Run.report``."""
        if self._figures is not None:
            self._figures.add(figures)
            return
        if self._progress.epochs is not None:
            raise UserError("run.report came after the last epoch; report inside of `for epoch in run.epochs(…)`")
        self._report_alone(figures, in_ledger)

    def log(self, figures: Mapping[str, Any]) -> None:
        """See ``Run.log``."""
        if self._figures is not None:
            self._figures.log(figures)
        elif self._progress.epochs is not None:
            raise UserError("run.log came after the last epoch; log inside of `for epoch in run.epochs(…)`")
        else:  # the next report is an epoch
            Figures(self._terms.measures, self._progress.epoch).log(figures)
            self._ahead |= figures

    @property
    def attached(self) -> Attached:
        """Of the epoch that is open, to be filled."""
        assert self._figures is not None
        return self._figures.attached

    def report_samples(self, figures: Mapping[str, Any], ids: Any) -> None:
        """See ``Run.report_samples``."""
        open_ones, ids = self._within("report_samples", ids)
        open_ones.add_samples(figures, ids)

    def report_folds(self, functions: Mapping[str, Any], outputs: Any, targets: Any, ids: Any) -> None:
        """See ``Run.report_folds``."""
        open_ones, ids = self._within("report_folds", ids)
        open_ones.add_folded(functions, outputs, targets, ids)

    def _within(self, call: str, ids: Any) -> tuple[Figures, Any]:
        """The figures of the open epoch, and ids of samples: those given, or of the batch in hand."""
        if self._figures is None:
            raise UserError(f"run.{call} came outside of an epoch; call it inside of `for epoch in run.epochs(…)`")
        found = self._loaders.desk.now() if ids is None else ids
        if found is None:
            raise UserError(
                f"run.{call} got no ids, and it is not clear which batch is meant; give the number or name of each "
                f"sample: run.{call}(…, ids=ids)"
            )
        return self._figures, found

    def _report_alone(self, figures: Mapping[str, Any], in_ledger: int) -> None:
        """An epoch of a loop without ``run.epochs``."""
        self._models.begin()
        if not self._once.tell(_STARTS_AGAIN):
            self._progress.epoch += 1
        elif in_ledger:
            self._port.restart()
        self._figures = Figures(self._terms.measures, self._progress.epoch)
        self._figures.add(figures)
        self._figures.log(self._ahead)
        self._ahead = {}
        self.commit()
        self._start_clock()

    @contextmanager
    def apart(self) -> Iterator[Figures]:
        """Figures that are reported meanwhile are told to nobody."""
        before, self._figures = self._figures, Figures(self._terms.measures, self._progress.epoch)
        try:
            yield self._figures
        finally:
            self._figures = before

    def commit(self) -> None:
        """Tell the ledger what the epoch has reported.

        Raises:
            UserError: nothing, or not every measure.
            DivergedError: the primary measure is no longer finite.
        """
        assert self._figures is not None
        self._figures = self._ranks.agreed(self._figures)
        if not self._figures and self._progress.epoch == 0:
            raise UserError(f"the loop ended its first epoch without a report; call {self._terms.report} once an epoch")
        if self._terms.resample and NOTICE not in self._once:
            raise UserError(
                "the experiment resamples, and the loop never asked which samples train and which validate; call "
                "train, validation = run.split(len(dataset)), or leave resample out"
            )
        self.rates = self._models.rates()
        figures = self._figures.whole(self._progress.step - 1) | self._figures.logged | self.rates
        self._see_steps()
        samples, folded = self._figures.samples, self._figures.folded
        self.sampled.check({**samples, **folded}, self._progress.epoch)
        self.sampled.tell(self._terms.measures, {**samples, **folded}, self._progress.epoch)
        figures |= self._models.after_epoch(figures)
        seconds = self._until - self._began
        if seconds > 0:
            figures["seconds"] = seconds
            if self._samples:
                figures["images_per_second"] = self._samples / seconds
        self.last = self._figures.primary()
        attached = self._figures.attached
        weights = "" if self._weights_told else self._models.initial_weights
        self._weights_told = True
        self._port.epoch(
            Measurement(
                self._progress.epoch,
                figures,
                attached.histograms,
                attached.predictions,
                weights,
                first_batches=self._loaders.take_first_batches(),
                folds=self._figures.folds(),
                samples={**attached.samples, **self.sampled.kept(samples)},
                best=self.sampled.is_best(figures),
            )
        )
        self._figures = None

    def _see_steps(self) -> None:
        """A loop that never says when a batch begins gets no named masks, and no moving rate.

        Raises:
            UserError: the arm moves its rates from step to step.
        """
        if self._progress.step:
            return
        if self._models.moves and self._models.moving:
            raise UserError(
                "the arm's schedule moves p from step to step, and the loop never says when one begins; put "
                "`with run.step():` around forward and backward pass of each batch"
            )
        self._once.tell("no_steps")

    def finish(self, arm: str, seed: int) -> bool:
        """See ``Run.finish``; whether the loop was left within an epoch that it had reported."""
        progress, wanted = self._progress, f"call {self._terms.report} once an epoch"
        if progress.epochs is None:
            if not self.alone:
                raise UserError(f"the loop returned and never reported anything; {wanted}")
            self._port.counted(progress.epoch + 1)
            return False
        left = bool(self._figures)
        if left:
            self.commit()
        done = progress.epoch + 1 if self._figures is None else progress.epoch
        if not done:
            raise UserError(f"the loop returned before its first epoch was whole; {wanted}")
        if done < progress.epochs:
            self._port.notice(Notice("ended_early", arm, {"seed": seed, "done": done, "epochs": progress.epochs}))
        return left

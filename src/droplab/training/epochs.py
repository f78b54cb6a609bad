"""The epochs of a run: those that are not done yet, and what is kept after each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, final

import torch

from droplab.errors import ModelError, UserError, quote
from droplab.records import Notice, RunKey
from droplab.training.evaluating import Evaluate, Evaluation
from droplab.training.keeping import check_plain, give_back, sorted_out, state_of
from droplab.training.loaders import Loaders
from droplab.training.models import Models
from droplab.training.port import Loaded, Port, StoppedError, Store
from droplab.training.progress import Progress, read_unit
from droplab.training.reports import Reports
from droplab.training.seeding import generators_state, restore_generators
from droplab.training.terms import Terms


@final
class Epochs:
    """Continues where the run was, and keeps it after every epoch.

    Args:
        key: the run's.
        terms: the experiment's.
        store: of the run's checkpoints.
        in_ledger: epochs that the ledger has.
        models: the run's.
        loaders: the run's.
        progress: the run's.
        reports: are committed before a checkpoint is written.
        port: hears how many epochs there are.
        load_only: end the loop when the last checkpoint is loaded.
    """

    def __init__(
        self,
        key: RunKey,
        terms: Terms,
        store: Store,
        in_ledger: int,
        models: Models,
        loaders: Loaders,
        progress: Progress,
        reports: Reports,
        port: Port,
        load_only: bool,
    ) -> None:
        self._key, self._terms, self._store, self._models, self._loaders = key, terms, store, models, loaders
        self._progress, self._reports, self._port = progress, reports, port
        self.in_ledger, self._load_only = in_ledger, load_only
        self._kept: dict[str, Any] = {}
        self._stateful: dict[str, Any] = {}

    @property
    def kept(self) -> Mapping[str, Any]:
        """See ``Run.kept``."""
        return MappingProxyType(self._kept)

    def keep(self, values: Mapping[str, Any]) -> None:
        """See ``Run.keep``."""
        check_plain(values)
        self._kept.update(values)

    def those_left(
        self,
        count: int | None,
        unit: str,
        steps_per_epoch: int | None,
        evaluate: Evaluate | None,
        checkpoints: bool,
        keep: Mapping[str, Any],
    ) -> Iterator[int]:
        """See ``Run.epochs``."""
        progress = self._progress
        evaluation = None if evaluate is None else Evaluation(evaluate, self._reports)
        total = self._agree(count)
        stateful, plain = sorted_out(keep)
        models = {id(prepared.model) for prepared in self._models.by_name.values()}
        self._stateful = {name: value for name, value in stateful.items() if id(value) not in models}
        self._kept = {**plain, **self._kept}
        self._models.begin()
        progress.epochs = total
        self._measure(unit, steps_per_epoch)
        found = self._found(evaluation) if checkpoints else None
        if not checkpoints and self.in_ledger:
            self._port.restart()
        self._loaders.epochs_begin()
        done = found.epochs_done if found else 0
        progress.epoch = done - 1
        for epoch in range(done, total):
            self._models.restore_modes()
            self._loaders.epoch_begins()
            progress.begin(epoch)
            self._reports.open()
            yield epoch
            if evaluation is not None:
                evaluation.report()
            self._reports.commit()
            progress.end(count=epoch == 0 and steps_per_epoch is None and not unit)
            if checkpoints:
                self._save(epoch + 1, last=epoch + 1 == total)

    def _found(self, evaluation: Evaluation | None) -> Loaded | None:
        """The checkpoint with which the run goes on, loaded."""
        found = self._store.latest(self.in_ledger)
        if found is None:
            self._store.check(self._state())
            return None
        self._restore(found)
        if self._load_only:
            raise StoppedError
        if evaluation is not None:
            self._compare(found, evaluation)
        return found

    def _agree(self, count: int | None) -> int:
        if self._progress.epochs is not None:
            raise UserError("run.epochs was called twice; one loop over its epochs is a run")
        if self._reports.alone:
            raise UserError(
                "run.report came before run.epochs, as from a loop that has none; report inside of "
                "`for epoch in run.epochs(…)`"
            )
        if count is None and not self._terms.epochs:
            raise UserError("run.epochs got no number; give one, run.epochs(20, …), or droplab.compare(…, epochs=20)")
        total = self._terms.epochs if count is None else count
        if isinstance(total, bool) or not isinstance(total, int) or total < 1:
            raise UserError(f"run.epochs got {quote(count)}; a number of epochs, at least 1, is wanted")
        problem = self._port.planned(total)
        if problem:
            raise UserError(problem)
        return total

    def _measure(self, unit: str, steps_per_epoch: int | None) -> None:
        """What is known of the steps of an epoch."""
        progress = self._progress
        if unit and steps_per_epoch is not None:
            raise UserError("run.epochs got unit and steps_per_epoch; unit says how many steps an epoch has")
        if steps_per_epoch is not None:
            _check_steps(steps_per_epoch)
        if unit:
            progress.per_epoch = progress.unit = read_unit(unit)
        elif steps_per_epoch is not None:
            progress.per_epoch = steps_per_epoch
        elif self._loaders.first is not None:
            progress.per_epoch = len(self._loaders.first)

    def keep_last(self) -> None:
        """The loop was left within an epoch that it had reported; what it left is kept."""
        self._save(self._progress.epoch + 1, last=True)

    def _save(self, done: int, *, last: bool) -> None:
        """Write a checkpoint; the first one is read again, so that a state that does not come back is heard of now."""
        self._store.save(done, self._state(), keep=1 if last else 2)
        if done == 1:
            again = self._store.latest(done)
            assert again is not None
            self._restore(again)

    def _compare(self, found: Loaded, evaluation: Evaluation) -> None:
        """Say so where what was loaded does not evaluate as it did when its checkpoint was written."""
        self._progress.epoch = found.epochs_done - 1
        for moving in self._models.moving:
            moving.put(found.state.get("rates", {}))
        expected = found.state.get("reported", math.nan)
        now = evaluation.differs(expected, exact=torch.device(self._terms.device).type == "cpu")
        self._models.restore_modes()
        self._restore(found)
        if now is None:
            return
        name = f"val_{self._terms.measures[0].name}"
        self._port.say(
            f"{self._key} continues otherwise than it was: after loading the checkpoint of epoch {found.epochs_done} "
            f"its {name} is {now:.9g}, and {expected:.9g} was reported. Either a model keeps something outside its "
            "state_dict (register it as a buffer, or return it from get_extra_state), or what it is evaluated with is "
            "not kept (name it in run.epochs(…)), or its code, the versions or the machine are no longer the same. "
            "fresh=True trains all runs anew"
        )
        self._port.notice(
            Notice(
                "continues_otherwise",
                self._key.arm,
                {"seed": self._key.seed, "epoch": found.epochs_done, "now": now, "then": expected},
            )
        )

    def _state(self) -> dict[str, Any]:
        return {
            "models": {name: prepared.state() for name, prepared in self._models.by_name.items()},
            "keep": {name: state_of(value) for name, value in self._stateful.items()},
            "values": dict(self._kept),
            "generators": generators_state(),
            "loaders": self._loaders.state(),
            "reported": self._reports.last,
            "rates": self._reports.rates,
            "samples": self._reports.sampled.state(),
            "step": self._progress.step,
            "steps_per_epoch": self._progress.per_epoch,
        }

    def _restore(self, found: Loaded) -> None:
        state = found.state
        goes_on = state["keep"] is not None  # the last checkpoint of the house's own loop is of its model alone
        stateful = self._stateful if goes_on else {}
        for what, there, here in (
            ("models", state["models"], self._models.by_name),
            ("run.epochs", state["keep"] or {}, stateful),
        ):
            if there.keys() != here.keys():
                raise UserError(
                    f"the checkpoint of epoch {found.epochs_done} has {', '.join(there) or 'nothing'} for {what}, and "
                    f"the loop has {', '.join(here) or 'nothing'} now; bring the old loop back, or start anew with "
                    "fresh=True"
                )
        for name, prepared in self._models.by_name.items():
            try:
                prepared.load_state(state["models"][name])
            except RuntimeError as problem:
                raise ModelError(
                    f"the {name} is another one than {self._key} trained: {problem}. Bring the old code back."
                ) from problem
        for name, value in stateful.items():
            give_back(name, value, state["keep"][name])
        self._kept = dict(state.get("values", {}))
        self._reports.last, self._reports.rates = state.get("reported", math.nan), state.get("rates", {})
        self._loaders.load_state(state.get("loaders", []))
        if goes_on:
            restore_generators(state["generators"])
        self._reports.sampled.load_state(state.get("samples", {}))
        progress = self._progress
        progress.per_epoch = state.get("steps_per_epoch", progress.per_epoch)
        progress.step = state.get("step", found.epochs_done * (progress.per_epoch or 0))


def _check_steps(count: Any) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise UserError(f"run.epochs got steps_per_epoch={quote(count)}; a number of steps, at least 1, is wanted")

"""Runs of the house's own loop, in the process that carries them out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import final

import torch

from droplab.data import Split
from droplab.errors import DataError, DivergedError
from droplab.execution.checkpoint import store_of
from droplab.execution.loading import lay_out_for, split_of, with_sizes
from droplab.execution.plan import OpenRun, Plan
from droplab.execution.seed_data import SeedData
from droplab.spec.experiment import ExperimentSpec
from droplab.tasks.split import TaskSplit
from droplab.training.diverge import locate
from droplab.training.port import Loaded, Port
from droplab.training.samples import RunData
from droplab.training.seeding import borrowed_generators, seed_everything
from droplab.training.train import Trainer


@final
@dataclass(frozen=True)
class HouseSet:
    """See ``RunSet``."""

    spec: ExperimentSpec
    plan: Plan
    data_dir: Path | None
    fingerprint: str
    """Of the split; a worker that loads other data must not train on it."""
    directory: Path
    daemon: bool = True

    def open(self, cargo: Split | TaskSplit | None = None) -> HouseRuns:
        """Load the data, where the driver has not sent them."""
        split = split_of(self.spec, 0, self.data_dir) if cargo is None else cargo
        if split.fingerprint != self.fingerprint:
            raise DataError(
                f"data {self.spec.data.name!r} loaded differently in a worker process than in the driver. "
                "A data function must return the same samples on every call."
            )
        device = torch.device(self.plan.device)
        laid_out = lay_out_for(self.spec, split, self.spec.recipe.fit_size, device)
        return HouseRuns(self, with_sizes(self.spec, laid_out, self.data_dir))


@final
@dataclass(frozen=True)
class HouseRuns:
    """See ``Opened``."""

    run_set: HouseSet
    data: RunData
    """Of all seeds, unless each draws its own."""

    @cached_property
    def _by_seed(self) -> SeedData:
        return SeedData(self.run_set.spec, self.run_set.data_dir, self.data)

    def carry_out(self, run: OpenRun, port: Port) -> None:
        """See ``Opened``.

        Raises:
            DivergedError: with the step and layer where it began.
            StoppedError: ``port.stop()`` said so; finished epochs are kept.
            CheckpointError: a checkpoint cannot be written.
            UserError: the model cannot be built, or its state cannot be kept.
        """
        spec, plan = self.run_set.spec, self.run_set.plan
        data, drawn = self._by_seed.of(run.key.seed)
        if drawn is not None:
            port.notice(drawn)
        store = store_of(run.folder, port)
        torch.set_num_threads(plan.threads)
        arm = spec.arm(run.key.arm)
        data = data.of(arm)
        with borrowed_generators():
            found = store.latest(run.epochs_in_ledger)
            trainer = Trainer(spec, arm, run.key.seed, data, plan.precision)
            if found is None:
                store.check(trainer.state())  # what cannot be kept is known before an epoch is spent on it
            else:
                trainer.load_state(found.state)
                _compare(trainer, found, run, port.say)
            for epoch in range(found.epochs_done if found else 0, spec.recipe.epochs):
                try:
                    measurement = trainer.epoch(epoch, port.stop)
                except DivergedError as seen:
                    trainer = Trainer(spec, arm, run.key.seed, data, plan.precision)
                    before = store.latest(epoch)
                    if before is not None and before.epochs_done == epoch:
                        trainer.load_state(before.state)
                    raise locate(trainer, epoch, seen) from None
                port.epoch(measurement)
                if epoch + 1 < spec.recipe.epochs:
                    store.save(epoch + 1, trainer.state(), keep=2)
                else:
                    store.save(epoch + 1, trainer.final_state(), keep=1)


def _compare(trainer: Trainer, found: Loaded, run: OpenRun, say: Callable[[str], None]) -> None:
    """Say so where a model just loaded does not evaluate as it did when its checkpoint was written.

    Evaluation is deterministic, so that any difference is something that the checkpoint does not have.
    """
    last = found.epochs_done - 1
    then = {name: series[last] for name, series in run.measured.items() if last < len(series)}
    expected = then.get("val_loss", math.nan)
    if math.isnan(expected):
        return
    now = _evaluated(trainer, found, then)
    if now == expected or (trainer.data.device.type != "cpu" and math.isclose(now, expected, rel_tol=1e-3)):
        return
    if _evaluated(trainer, found, then, purpose="another draw") != now:
        return  # random in evaluation too: a loss that does not repeat itself tells nothing
    say(
        f"{run.key} continues otherwise than it was: after loading the checkpoint of epoch {last + 1} its validation "
        f"loss is {now:.9g}, the ledger has {expected:.9g}. Either the model keeps something outside its state_dict "
        "(register it as a buffer, or return it from get_extra_state), or its code, the versions or the machine are "
        "no longer the same. `--fresh` trains all runs anew."
    )


def _evaluated(trainer: Trainer, found: Loaded, then: Mapping[str, float], purpose: str = "") -> float:
    """The validation loss at the rates of that epoch; trainer and generators are as before, after it."""
    with borrowed_generators():
        if purpose:
            seed_everything(trainer.seed, purpose)
        trainer.moving.put(then)
        loss = trainer.evaluate(trainer.data.validation)["loss"]
    trainer.load_state(found.state)
    return loss

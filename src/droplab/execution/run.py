"""Carry out one run: from its last checkpoint to its last epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from droplab.errors import DivergedError
from droplab.execution.checkpoint import CheckpointStore
from droplab.records import Measurement, RunKey
from droplab.spec.experiment import ExperimentSpec
from droplab.training.diverge import locate
from droplab.training.port import Loaded
from droplab.training.samples import RunData
from droplab.training.seeding import borrowed_generators, seed_everything
from droplab.training.train import Trainer


@dataclass(frozen=True)
class OpenRun:
    """One run to carry out; crosses process borders."""

    key: RunKey
    folder: Path
    """Where the run's checkpoints are."""
    epochs_in_ledger: int
    """A checkpoint beyond these is not used: its metrics would be missing."""
    measured: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """The ledger's ``val_loss`` and ``p/SITE`` by epoch, to compare with what a checkpoint gives."""


@dataclass(frozen=True)
class Plan:
    """What is fixed for all runs of an experiment; kept in the ledger."""

    executor: str
    workers: int
    threads: int
    precision: str
    device: str


def carry_out(
    run: OpenRun,
    spec: ExperimentSpec,
    plan: Plan,
    data: RunData,
    commit: Callable[[Measurement], None],
    say: Callable[[str], None],
    stop: Callable[[], bool],
) -> None:
    """Train a run to its end.

    Each epoch is committed to the ledger before its checkpoint is written, so the ledger is never behind
    a checkpoint; an epoch whose checkpoint is missing is trained and committed again, with equal results.

    Raises:
        DivergedError: with the step and layer where it began.
        StoppedError: ``stop()`` said so; finished epochs are kept.
        CheckpointError: a checkpoint cannot be written.
        UserError: the model cannot be built, or its state cannot be kept.
    """
    store = CheckpointStore(run.folder, say)
    torch.set_num_threads(plan.threads)
    arm = spec.arm(run.key.arm)
    with borrowed_generators():
        found = store.latest(run.epochs_in_ledger)
        trainer = Trainer(spec, arm, run.key.seed, data, plan.precision)
        if found is None:
            store.check(trainer.state())  # what cannot be kept is known before an epoch is spent on it
        else:
            trainer.load_state(found.state)
            _compare(trainer, found, run, say)
        for epoch in range(found.epochs_done if found else 0, spec.recipe.epochs):
            try:
                measurement = trainer.epoch(epoch, stop)
            except DivergedError as seen:
                trainer = Trainer(spec, arm, run.key.seed, data, plan.precision)
                before = store.latest(epoch)
                if before is not None and before.epochs_done == epoch:
                    trainer.load_state(before.state)
                raise locate(trainer, epoch, seen) from None
            commit(measurement)
            if epoch + 1 < spec.recipe.epochs:
                store.save(epoch + 1, trainer.state())
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

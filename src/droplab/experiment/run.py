"""Carry out one run: from its last checkpoint to its last epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from droplab.errors import DivergedError
from droplab.experiment.checkpoint import CheckpointStore
from droplab.experiment.diverge import locate
from droplab.experiment.seeding import borrowed_generators
from droplab.experiment.spec import ExperimentSpec
from droplab.experiment.tensors import Workbench
from droplab.experiment.train import Trainer
from droplab.records import Measurement, RunKey


@dataclass(frozen=True)
class Task:
    """One run to carry out; crosses process borders."""

    key: RunKey
    folder: Path
    """Where the run's checkpoints are."""
    epochs_in_ledger: int
    """A checkpoint beyond these is not used: its metrics would be missing."""


@dataclass(frozen=True)
class Plan:
    """What is fixed for all runs of an experiment; kept in the ledger."""

    executor: str
    workers: int
    threads: int
    precision: str
    device: str


def carry_out(
    task: Task,
    spec: ExperimentSpec,
    plan: Plan,
    bench: Workbench,
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
        UserError: the model cannot be built.
    """
    store = CheckpointStore(task.folder, say)
    torch.set_num_threads(plan.threads)
    arm = spec.arm(task.key.arm)
    with borrowed_generators():
        found = store.latest(task.epochs_in_ledger)
        trainer = Trainer(spec, arm, task.key.seed, bench, plan.precision)
        if found is not None:
            trainer.load_state(found.state)
        for epoch in range(found.epochs_done if found else 0, spec.recipe.epochs):
            try:
                measurement = trainer.epoch(epoch, stop)
            except DivergedError as seen:
                trainer = Trainer(spec, arm, task.key.seed, bench, plan.precision)
                before = store.latest(epoch)
                if before is not None and before.epochs_done == epoch:
                    trainer.load_state(before.state)
                raise locate(trainer, epoch, seen) from None
            commit(measurement)
            store.save(epoch + 1, trainer.state())

"""The only door to the test set."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from droplab.data import Part
from droplab.errors import DesignError, UserError
from droplab.execution.calibrate import choose_device
from droplab.execution.checkpoint import CheckpointStore
from droplab.execution.fingerprint import changed_code, code_digests
from droplab.execution.folder import run_folder
from droplab.execution.loading import check_house, lay_out_for, load_again
from droplab.execution.lock import folder_lock
from droplab.ledger import FILE_NAME, Ledger, exists
from droplab.records import RunKey, RunRecord
from droplab.spec.experiment import ExperimentSpec
from droplab.spec.specfile import parse_spec
from droplab.training.samples import to_device, to_samples
from droplab.training.seeding import borrowed_generators
from droplab.training.train import Trainer


@dataclass(frozen=True)
class StoredRun:
    """A run in an experiment's folder."""

    folder: Path
    key: RunKey


@dataclass(frozen=True)
class FinalEvaluation:
    """A run's figures on the test set, and how often the experiment has opened it so far."""

    run: RunKey
    loss: float
    """In nats for classes; NaN where the task does not measure it."""
    accuracy: float
    """NaN where the task does not measure it."""
    openings: int
    figures: Mapping[str, float] = field(default_factory=dict)
    """All of the task's measures by name."""


def final_evaluation(run: StoredRun, *, data_dir: Path | None = None) -> FinalEvaluation:
    """Open the test set for a finished run's last weights; the ledger records that it was opened.

    Do this once, after every choice is made. The event is written before the data is opened, so that an
    opening is counted even where the evaluation fails.

    Args:
        run: a run whose state is ``done``.
        data_dir: where the data set is, if it has moved since.

    Raises:
        UserError: the folder or run is unknown, or the run is not done.
        DesignError: the data is not what the experiment was run on, or the model is another one.
        CheckpointError: the run's last checkpoint cannot be read.
        LockedError: the experiment is running.
    """
    path = run.folder / FILE_NAME
    if not exists(path):
        raise UserError(f"{run.folder} holds no experiment")
    with folder_lock(run.folder), Ledger.open(path) as ledger:
        record, design = ledger.read(), ledger.design()
        check_house(record, "the test set")
        stored = record.runs.get(run.key)
        if stored is None or stored.state != "done":
            state = "no such run" if stored is None else f"its state is {stored.state!r}"
            raise UserError(f"the test set opens only for finished runs; {run.key}: {state}")
        spec = parse_spec(record.spec, str(run.folder))
        last = CheckpointStore(run_folder(run.folder, ledger.run_id(run.key))).final(spec.recipe.epochs)
        split = load_again(spec, run.key.seed, design, run.folder, data_dir)
        device = choose_device(spec.compute.device)
        with borrowed_generators():
            data = lay_out_for(spec, split, 1, device)
            trainer = Trainer(spec, spec.arm(run.key.arm), run.key.seed, data, design["plan"]["precision"])
            trainer.load_state(last.state)
            _check_same_model(trainer, spec, design, stored)
        ledger.event("test set opened", run.key)
        threads = torch.get_num_threads()
        torch.set_num_threads(design["plan"]["threads"])
        try:
            part = split.test.open()
            on_device = to_samples(part, device) if isinstance(part, Part) else to_device(part, device)
            figures = trainer.evaluate(on_device)
        finally:
            torch.set_num_threads(threads)
        ledger.event("test set result", run.key, **figures)
        loss, accuracy = (figures.get(name, math.nan) for name in ("loss", "accuracy"))
        return FinalEvaluation(run.key, loss, accuracy, record.test_openings + 1, figures)


def _check_same_model(trainer: Trainer, spec: ExperimentSpec, design: Mapping[str, Any], run: RunRecord) -> None:
    """Weights that fit may still be in another model: where its code has changed, it must evaluate as it did."""
    changed = changed_code(design.get("code", {}), code_digests(spec))
    if not changed:
        return
    first = trainer.task.measures[0].name
    expected = run.metrics[f"val_{first}"][-1]
    found = trainer.evaluate(trainer.data.validation)[first]
    if not math.isclose(found, expected, rel_tol=1e-3):
        raise DesignError(
            f"the code of {' and '.join(changed)} is not what {run.key} was trained with: its validation {first} was "
            f"{expected:.4g} and is {found:.4g} now. Bring the old code back; the test set stays closed."
        )

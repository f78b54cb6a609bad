"""The only door to the test set."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from droplab.data import Part
from droplab.errors import DesignError, UserError, quote
from droplab.execution.calibrate import choose_device
from droplab.execution.checkpoint import CheckpointStore
from droplab.execution.fingerprint import changed_code, code_digests
from droplab.execution.folder import run_folder
from droplab.execution.house_set import terms_for
from droplab.execution.house_store import HouseStore
from droplab.execution.loading import check_house, lay_out_for, load_again
from droplab.execution.lock import folder_lock
from droplab.execution.trained import models_in, only
from droplab.ledger import FILE_NAME, Ledger, change_experiment, exists
from droplab.records import ExperimentRecord, RunKey, RunRecord
from droplab.spec.experiment import ExperimentSpec
from droplab.spec.rivals import recipe_of
from droplab.spec.specfile import parse_spec
from droplab.training.loop import Training
from droplab.training.numbers import number
from droplab.training.port import StoppedError
from droplab.training.run import Loop, Run
from droplab.training.samples import to_device, to_samples
from droplab.training.seeding import borrowed_generators
from droplab.training.watching import Nobody, Past


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


@dataclass(frozen=True)
class FinalFigures:
    """A run's figures on the test set, and how often the experiment has opened it so far."""

    run: RunKey
    figures: Mapping[str, float]
    openings: int


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
        checkpoints = CheckpointStore(run_folder(run.folder, ledger.run_id(run.key)))
        checkpoints.final(spec.recipe.epochs)
        split = load_again(spec, run.key.seed, design, run.folder, data_dir)
        device = choose_device(spec.compute.device)
        with borrowed_generators():
            data = lay_out_for(spec, split, 1, device)
            past = Past(HouseStore(checkpoints, {}, ""), stored.epochs_done)
            port = Nobody(lambda: False)
            arm = spec.arm(run.key.arm)
            again = Run(arm, run.key.seed, terms_for(data), past, stored.epochs_done, port, load_only=True)
            training = Training(again, spec, recipe_of(spec, arm), data, design["plan"]["precision"])
            with suppress(StoppedError):
                next(training.epochs())
            again.models({name: series[-1] for name, series in stored.metrics.items()})
            _check_same_model(training, spec, design, stored)

        def test() -> dict[str, float]:
            threads = torch.get_num_threads()
            torch.set_num_threads(design["plan"]["threads"])
            try:
                part = split.test.open()
                on_device = to_samples(part, device) if isinstance(part, Part) else to_device(part, device)
                return training.evaluate(on_device)
            finally:
                torch.set_num_threads(threads)

        figures, openings = _counted(ledger, record, run.key, test)
        loss, accuracy = (figures.get(name, math.nan) for name in ("loss", "accuracy"))
        return FinalEvaluation(run.key, loss, accuracy, openings, figures)


def _counted(
    ledger: Ledger, record: ExperimentRecord, key: RunKey, test: Callable[[], dict[str, float]]
) -> tuple[dict[str, float], int]:
    """What the test set gives, and how often it has been opened; the ledger has both."""
    ledger.event("test set opened", key)
    figures = test()
    ledger.event("test set result", key, **figures)
    return figures, record.test_openings + 1


def _check_same_model(training: Training, spec: ExperimentSpec, design: Mapping[str, Any], run: RunRecord) -> None:
    """Weights that fit may still be in another model: where its code has changed, it must evaluate as it did."""
    changed = changed_code(design.get("code", {}), code_digests(spec))
    if not changed:
        return
    first = training.task.measures[0].name
    expected = run.metrics[f"val_{first}"][-1]
    found = training.evaluate(training.data.validation)[first]
    if not math.isclose(found, expected, rel_tol=1e-3):
        raise DesignError(
            f"the code of {' and '.join(changed)} is not what {run.key} was trained with: its validation {first} was "
            f"{expected:.4g} and is {found:.4g} now. Bring the old code back; the test set stays closed."
        )


def final_figures(
    run: StoredRun, test: Callable[[Any], Mapping[str, Any]], *, loop: Loop | None = None
) -> FinalFigures:
    """Open the test set for a finished run of a loop of your own; the ledger records that it was opened.

    Do this once, after every choice is made. The event is written before ``test`` is called, so that an opening is
    counted even where the evaluation fails. Keep the test set to ``test`` alone: droplab cannot know what a loop reads.

    Args:
        run: a run whose state is ``done``: one of ``results.runs``.
        test: called with the run's model, in eval mode, on the CPU, with its last weights; with a dict of models by
            name where the loop prepared several. Returns figures by name.
        loop: the loop; where absent, what the experiment's spec names.

    Raises:
        UserError: the run is unknown or not done, its models cannot be built again, or ``test`` returns no figures.
        CheckpointError: the run's last checkpoint cannot be read.
        LockedError: the experiment is running.
    """
    with folder_lock(run.folder), change_experiment(run.folder) as ledger:
        record = ledger.read()
        if "loop" not in record.spec:
            raise UserError(
                f"{record.name!r} was trained by droplab's own loop, whose test set droplab.final_evaluation opens"
            )
        models = models_in(ledger, run.folder, run.key.arm, run.key.seed, loop)

        def figures_of_test() -> dict[str, float]:
            with borrowed_generators():
                found = test(only(models))
            if not isinstance(found, Mapping) or not found:
                raise UserError(f"test returned {quote(found)}; a dict of figures is wanted, {{'loss': 0.5}}")
            return {str(name): number(str(name), value) for name, value in found.items()}

        return FinalFigures(run.key, *_counted(ledger, record, run.key, figures_of_test))

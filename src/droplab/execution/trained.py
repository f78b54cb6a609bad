"""The models of a finished run, with its last weights: its loop builds them again, up to ``run.epochs``."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch import nn

from droplab.errors import DesignError, UserError, suggest
from droplab.execution.checkpoint import CheckpointStore
from droplab.execution.folder import run_folder
from droplab.execution.house_store import HouseStore
from droplab.execution.launch import SCRIPTS
from droplab.execution.loading import load_again
from droplab.ledger import OpenLedger, open_experiment
from droplab.measures import kept_measures
from droplab.records import ExperimentRecord, RunKey, RunRecord
from droplab.spec.arm import ArmSpec
from droplab.spec.specfile import parse_spec
from droplab.training.arming import initial_model
from droplab.training.port import StoppedError, Store
from droplab.training.run import Loop, Run, adopt
from droplab.training.seeding import borrowed_generators, seed_everything
from droplab.training.terms import Terms
from droplab.training.watching import Nobody, Past
from droplab.userobjects import resolve


def trained_models(
    folder: Path, arm: str, seed: int, *, loop: Loop | None = None, data_dir: Path | None = None
) -> dict[str, nn.Module]:
    """By the name under which they were prepared: in eval mode, on the CPU, with the run's last weights and rates.

    Args:
        folder: an experiment's.
        arm: an arm's name.
        seed: one of the experiment's seeds.
        loop: of a loop of the user's own; where absent, what the experiment's spec names. It is called as far as
            ``run.epochs``, which loads the last checkpoint and ends it.
        data_dir: where the data set is, if it has moved; only old ledgers and inputs that are not numbers need it.

    Raises:
        UserError: no experiment, no such arm or seed, a run that is not done, a loop that is not to be found or has
            no ``run.epochs``.
        ModelError: a model cannot be built, or is another one than the run's.
        CheckpointError: the last checkpoint is missing or damaged.
        DesignError: an old ledger whose data are not there as they were.
    """
    with open_experiment(folder) as ledger:
        return models_in(ledger, folder, arm, seed, loop, data_dir)


def models_in(
    ledger: OpenLedger, folder: Path, arm: str, seed: int, loop: Loop | None = None, data_dir: Path | None = None
) -> dict[str, nn.Module]:
    """``trained_models`` of a ledger that is open."""
    record = ledger.read()
    run = finished_run(record, arm, seed)
    if any(notice.code == "starts_again" for notice in record.notices):
        raise UserError(
            f"the loop {record.spec['loop']} has no run.epochs, so that no weights were kept; with it, every epoch has "
            "a checkpoint"
        )
    checkpoints = CheckpointStore(run_folder(folder, ledger.run_id(run.key)))
    checkpoints.final(run.epochs_done)
    store: Store = checkpoints
    if "loop" in record.spec:
        loop = loop if loop is not None else _found(record.spec["loop"])
    else:
        loop = _house(ledger, record, seed, folder, data_dir)
        store = HouseStore(checkpoints, {}, "")
    terms = Terms(kept_measures(ledger.design()), record.epochs, "cpu", resample=record.spec.get("resample", False))
    chosen = next(ArmSpec.model_validate(one) for one in record.spec["arms"] if one["name"] == arm)
    past = Past(store, run.epochs_done)
    again = Run(chosen, seed, terms, past, run.epochs_done, Nobody(lambda: False), load_only=True)
    with borrowed_generators():
        seed_everything(seed, "loop")
        with suppress(StoppedError):
            loop(again)
        if again.epoch is not None:
            return again.models({name: series[-1] for name, series in run.metrics.items()})
    raise UserError(f"the loop {record.spec['loop']} ended without run.epochs; is it another one now?")


def _house(ledger: OpenLedger, record: ExperimentRecord, seed: int, folder: Path, data_dir: Path | None) -> Loop:
    """The house's own loop, as far as it has anything to do without data."""
    spec, design = parse_spec(record.spec, str(folder)), ledger.design()
    shape = record.shape or load_again(spec, seed, design, folder, data_dir).shape

    def build(run: Run) -> None:
        adopt(run, initial_model(spec, shape, len(design["class_names"]), run.seed))
        next(run.epochs())

    return build


def _found(name: str) -> Loop:
    if name.startswith(f"{SCRIPTS}:"):
        raise UserError(
            f"the runs of {name} were made by a script, which builds its models in a process of its own; write a "
            "function train(run) that does as it does up to run.epochs, with its arguments, and give it: loop=train"
        )
    try:
        loop: Loop = resolve(name, "loop", DesignError)
    except UserError as problem:
        raise UserError(f"{problem} Or give the loop itself: loop=train") from None
    return loop


def only(models: Mapping[str, nn.Module]) -> Any:
    """The model, where there is one; all of them by name, where there are several."""
    return next(iter(models.values())) if len(models) == 1 else dict(models)


def finished_run(record: ExperimentRecord, arm: str, seed: int) -> RunRecord:
    """The run of an arm and a seed.

    Raises:
        UserError: there is none, or it is not done.
    """
    if arm not in record.arms:
        known = ", ".join(map(repr, record.arms))
        raise UserError(f"{record.name!r} has no arm {arm!r}{suggest(str(arm), record.arms)}; its arms: {known}")
    if seed not in record.seeds:
        raise UserError(f"{record.name!r} has no seed {seed!r}; its seeds: {', '.join(map(str, record.seeds))}")
    run = record.runs[RunKey(arm, seed)]
    if run.state != "done":
        reason = f": {run.reason}" if run.reason else ""
        raise UserError(
            f"the run {run.key} is not done ({run.state}{reason}). Only finished runs have a trained model; run "
            "the experiment's command again to continue."
        )
    return run

"""The models of a finished run of a user's own loop: the loop builds them again, up to ``run.epochs``."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch import nn

from droplab.errors import DesignError, UserError
from droplab.execution.checkpoint import CheckpointStore
from droplab.execution.folder import run_folder
from droplab.execution.launch import SCRIPTS
from droplab.execution.trained import finished_run
from droplab.ledger import OpenLedger
from droplab.measures import kept_measures
from droplab.spec.experiment import ArmSpec
from droplab.training.port import StoppedError
from droplab.training.run import Loop, Run
from droplab.training.seeding import borrowed_generators, seed_everything
from droplab.training.terms import Terms
from droplab.training.watching import Nobody, Past
from droplab.userobjects import resolve


def loop_models(
    ledger: OpenLedger, folder: Path, arm: str, seed: int, loop: Loop | None = None
) -> dict[str, nn.Module]:
    """By the name under which they were prepared: in eval mode, on the CPU, with the run's last weights and rates.

    The loop is called as far as ``run.epochs``, which loads the last checkpoint and ends it.

    Args:
        ledger: the experiment's.
        folder: where it is.
        arm: an arm's name.
        seed: one of the experiment's seeds.
        loop: where absent, what the experiment's spec names.

    Raises:
        UserError: no such arm or seed, a run that is not done, a loop that is not to be found or has no
            ``run.epochs``, or models that are others now.
        CheckpointError: the last checkpoint is missing or damaged.
    """
    record, design = ledger.read(), ledger.design()
    run = finished_run(record, arm, seed)
    if any(notice.code == "starts_again" for notice in record.notices):
        raise UserError(
            f"the loop {record.spec['loop']} has no run.epochs, so that no weights were kept; with it, every epoch has "
            "a checkpoint"
        )
    store = CheckpointStore(run_folder(folder, ledger.run_id(run.key)))
    store.final(run.epochs_done)
    if loop is None:
        loop = _found(record.spec["loop"])
    chosen = next(ArmSpec.model_validate(one) for one in record.spec["arms"] if one["name"] == arm)
    terms = Terms(kept_measures(design), record.epochs, "cpu", resample=record.spec.get("resample", False))
    past = Past(store, run.epochs_done)
    again = Run(chosen, seed, terms, past, run.epochs_done, Nobody(lambda: False), load_only=True)
    with borrowed_generators():
        seed_everything(seed, "loop")
        with suppress(StoppedError):
            loop(again)
        if again.epoch is not None:
            return again.models({name: series[-1] for name, series in run.metrics.items()})
    raise UserError(f"the loop {record.spec['loop']} ended without run.epochs; is it another one now?")


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

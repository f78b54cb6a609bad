"""A finished run's model, with its last weights."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from droplab.data.shapes import example
from droplab.errors import ModelError, UserError, suggest
from droplab.execution.checkpoint import CheckpointStore
from droplab.execution.folder import run_folder
from droplab.execution.loading import check_house, load_again
from droplab.ledger import open_experiment
from droplab.models import build
from droplab.records import ExperimentRecord, RunKey, RunRecord
from droplab.spec.specfile import parse_spec
from droplab.surgery import remember
from droplab.tasks.evaluate import called_with
from droplab.training.arming import give_arm
from droplab.training.moving import MovingRates
from droplab.training.seeding import borrowed_generators


def trained_model(folder: Path, arm: str, seed: int, data_dir: Path | None = None) -> nn.Module:
    """The model as a run left it, in eval mode, on the CPU.

    Args:
        folder: an experiment's.
        arm: an arm's name.
        seed: one of the experiment's seeds.
        data_dir: where the data set is, if it has moved; only old ledgers and inputs that are not numbers need it.

    Raises:
        UserError: no experiment, no such arm or seed, or a run that is not done.
        ModelError: the model cannot be built, or is another one than the run's.
        CheckpointError: the last checkpoint is missing or damaged.
        DesignError: an old ledger whose data are not there as they were.
    """
    with open_experiment(folder) as ledger:
        record, design = ledger.read(), ledger.design()
        check_house(record, "a trained model")
        run = finished_run(record, arm, seed)
        store = CheckpointStore(run_folder(folder, ledger.run_id(run.key)))
    weights = store.final(record.epochs).state["model"]
    spec = parse_spec(record.spec, str(folder))
    shape = record.shape or load_again(spec, seed, design, folder, data_dir).shape
    chosen = spec.arm(arm)
    with borrowed_generators():
        model = build(spec.model.name, shape, len(design["class_names"]), spec.model.options)
        remember(model, *called_with(example(shape)))
        change = give_arm(model, chosen)
    try:
        model.load_state_dict(weights)
    except RuntimeError as problem:
        raise ModelError(
            f"model {spec.model.name!r} is another one than {run.key} trained: {problem}. Bring the old code back."
        ) from problem
    last = {name.removeprefix("p/"): series[-1] for name, series in run.metrics.items() if name.startswith("p/")}
    MovingRates(model, chosen.schedule, change.rates).move_to(last)
    return model.eval()


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

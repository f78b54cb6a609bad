"""From a spec to a finished ledger: check, open, carry out, in this order."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from droplab.data import Split
from droplab.data.shapes import is_plain
from droplab.errors import DesignError, InterruptedRunError
from droplab.execution.calibrate import choose_device, choose_plan, precision_notices
from droplab.execution.check import Checked, check_experiment
from droplab.execution.driver import LedgerDriver
from droplab.execution.environment import differences, environment
from droplab.execution.executors import Executor, ProcessExecutor, RunSet, SerialExecutor
from droplab.execution.fingerprint import changed_code
from droplab.execution.folder import default_folder, fresh_folder, make_folder, run_folder
from droplab.execution.loading import check_same_data, lay_out_for, load_data
from droplab.execution.lock import folder_lock
from droplab.execution.run import OpenRun, Plan
from droplab.execution.signals import StopFlag, stop_on_signals
from droplab.execution.threads import check_threads
from droplab.kernels import prepare_meanwhile
from droplab.languages import Count
from droplab.ledger import FILE_NAME, Ledger, LedgerReader, exists
from droplab.listener import GuardedListener, Listener, Silent
from droplab.measures import KEY, measures_json
from droplab.records import ExperimentRecord, Notice, RunKey, RunRecord
from droplab.spec.experiment import ExperimentSpec, digest
from droplab.spec.same import is_same, what_differs
from droplab.spec.task import DEFAULT
from droplab.tasks.split import TaskSplit
from droplab.training.samples import RunData


@dataclass(frozen=True)
class Finished:
    """An experiment whose runs have all ended."""

    folder: Path
    record: ExperimentRecord


def run_experiment(
    spec: ExperimentSpec,
    *,
    out: Path | None = None,
    fresh: bool = False,
    data_dir: Path | None = None,
    listener: Listener | None = None,
    allow_random_baseline: bool = False,
    accept_changed_code: bool = False,
) -> Finished:
    """Carry out all runs of a spec that are not done yet.

    The same spec in the same folder continues where it was. With more seeds than before it is enlarged,
    which the ledger records, as looking at results before choosing their number weakens the statistics.

    Args:
        spec: what to do.
        out: the experiment's folder; ``default_folder(spec)`` where absent.
        fresh: take a folder that does not exist yet, named after ``out``.
        data_dir: where data sets are looked for.
        listener: is told of everything that happens.
        allow_random_baseline: train an arm without dropout although the model drops by itself; the verdict says so.
        accept_changed_code: continue although the code that the spec names is another now; the verdict says so.

    Raises:
        UserError: the spec does not fit data, model or folder; nothing was written.
        LockedError: another process works on the folder.
        InterruptedRunError: Ctrl-C or SIGTERM; finished epochs are kept.
        FailureError: the ledger or a worker failed; finished epochs are kept.
    """
    listener = GuardedListener(listener or Silent())
    directory = Path.cwd()  # the user's code may change it
    folder = (out or default_folder(spec)).absolute()
    data_dir = data_dir.absolute() if data_dir is not None else None
    if fresh:
        folder = fresh_folder(folder)
    check_threads(spec.compute)
    record = _all_done(folder, spec, listener)
    if record is not None:
        return Finished(folder, record)
    device = choose_device(spec.compute.device)
    prepare_meanwhile()
    split = load_data(spec.data, data_dir, spec.task)
    for line in split.told if isinstance(split, TaskSplit) else ():
        listener.say(line)
    data = lay_out_for(spec, split, spec.recipe.fit_size, device)
    checked = check_experiment(spec, split, data, allow_random_baseline=allow_random_baseline)
    make_folder(folder)
    with ExitStack() as stack:
        stack.enter_context(folder_lock(folder))
        flag = stack.enter_context(stop_on_signals(give_up=lambda: mark_interrupted(folder)))
        found = _Found(split, data, checked, accept_changed_code)
        ledger, plan, executor = _open(folder, spec, found, data_dir, directory, listener, stack)
        run_set = RunSet(spec, plan, data_dir, split.fingerprint, directory)
        runner: Executor = executor or _executor(run_set, data, stack)
        driver = LedgerDriver(ledger, listener)
        record = ledger.read()
        runs = [open_run(record.runs[key], folder, ledger) for key in ledger.open_runs()]
        listener.opened(record, {**asdict(plan), **ledger.design()["calibration"]}, str(folder))
        runner.run(runs, driver, flag)
        ledger.check_place()
        record = ledger.read()
        if flag():
            raise interrupted_error(flag, record, folder)
        return Finished(folder, record)


def _all_done(folder: Path, spec: ExperimentSpec, listener: Listener) -> ExperimentRecord | None:
    """What the folder holds, where nothing of this spec is left to do: neither data nor workers are wanted then."""
    path = folder / FILE_NAME
    if not exists(path):
        return None
    with LedgerReader.open(path) as ledger:
        design, open_runs = ledger.design(), ledger.open_runs()
        before = design["spec"]["seeds"]
        same = is_same(design, spec) and set(spec.seeds) <= set(before)
        if not same or open_runs or ledger.damaged_runs():
            return None
        record = ledger.read()
        if not record.runs.keys() >= set(_keys(spec.model_copy(update={"seeds": tuple(before)}))):
            return None
        listener.opened(record, {**design["plan"], **design["calibration"]}, str(folder))
    _tell_of_more_seeds(spec, before, folder, listener)
    return record


def _tell_of_more_seeds(spec: ExperimentSpec, before: Sequence[int], folder: Path, listener: Listener) -> None:
    if len(spec.seeds) < len(before):
        listener.say(f"{folder} has {len(before)} seeds already; all of them are used")


def mark_interrupted(folder: Path) -> None:
    """For a process that is about to be ended from outside of its main thread."""
    with Ledger.open(folder / FILE_NAME) as ledger:
        for key, (state, *_) in ledger.progress().items():
            if state == "running":
                ledger.set_state(key, "interrupted", "stopped by SIGTERM; it did not stop by itself")


def open_run(run: RunRecord, folder: Path, ledger: Ledger) -> OpenRun:
    """A run as executors are told of it."""
    compared = {name: series for name, series in run.metrics.items() if name == "val_loss" or name.startswith("p/")}
    return OpenRun(run.key, run_folder(folder, ledger.run_id(run.key)), run.epochs_done, compared)


def _executor(run_set: RunSet, data: RunData, stack: ExitStack) -> Executor:
    if run_set.plan.executor == "process":
        return stack.enter_context(ProcessExecutor(run_set))
    return SerialExecutor(run_set, data)


def _keys(spec: ExperimentSpec) -> list[RunKey]:
    """Seed by seed, so that an interrupted experiment has whole pairs."""
    return [RunKey(arm.name, seed) for seed in spec.seeds for arm in spec.arms]


@dataclass(frozen=True)
class _Found:
    """What data and model turned out to be, before the folder is looked at."""

    split: Split | TaskSplit
    data: RunData
    checked: Checked
    accept_changed_code: bool


def _open(
    folder: Path,
    spec: ExperimentSpec,
    found: _Found,
    data_dir: Path | None,
    directory: Path,
    listener: Listener,
    stack: ExitStack,
) -> tuple[Ledger, Plan, ProcessExecutor | None]:
    split, data, checked = found.split, found.data, found.checked
    path = folder / FILE_NAME
    here = environment()
    if exists(path):
        ledger = stack.enter_context(Ledger.open(path))
        _continue(ledger, folder, spec, found, here, listener)
        for notice in checked.notices:
            ledger.notice(notice)
        return ledger, Plan(**ledger.design()["plan"]), None
    plan, figures, executor = choose_plan(
        spec, data, len(spec.arms) * len(spec.seeds), data_dir, split.fingerprint, listener.say, directory
    )
    if executor is not None:
        stack.push(executor)
    design: dict[str, Any] = {
        "spec": spec.canonical(),
        "spec_hash": digest(spec.canonical()),
        "identity": spec.identity(),
        "plan": asdict(plan),
        "calibration": figures,
        "data_fingerprint": split.fingerprint,
        "data_dir": str(data_dir.resolve()) if data_dir is not None else "",
        "sizes": {
            "train": len(split.train),
            "fit": len(data.fit),
            "validation": len(split.validation),
            "test": len(split.test),
        },
        "shape": list(split.shape) if is_plain(split.shape) else [],
        "class_names": list(split.class_names),
        "code": checked.code,
        "initial_weights": checked.weights,
    }
    if spec.task != DEFAULT:
        design[KEY] = measures_json(data.task.measures)
    ledger = stack.enter_context(Ledger.create(path, design, _keys(spec), here))
    for notice in (*checked.notices, *precision_notices(spec, plan, figures)):
        ledger.notice(notice)
    return ledger, plan, executor


def _check_same_code(ledger: Ledger, folder: Path, checked: Checked, *, accept: bool) -> None:
    """Data have a fingerprint; so have the functions that make them and the model, and the weights these begin with."""
    design = ledger.design()
    changed = changed_code(design.get("code", {}), checked.code)
    before = design.get("initial_weights", {})
    if not changed and any(before.get(seed, digest) != digest for seed, digest in checked.weights.items()):
        changed = ["model (its initial weights are others)"]
    if changed and not accept:
        raise DesignError(
            f"the code of {' and '.join(changed)} is not what {folder} was started with, so that one verdict would "
            "be over two of them. Bring the old code back, start anew with --fresh, or, if results cannot differ, "
            "continue with --accept-changed-code (compare(..., accept_changed_code=True)); the verdict then says so."
        )
    if changed:
        ledger.event("code changed", changes=changed)
        ledger.notice(Notice("code_changed", detail={"what": ", ".join(changed)}))
    ledger.set_design("code", checked.code)
    ledger.set_design("initial_weights", {**before, **checked.weights})


def _continue(
    ledger: Ledger, folder: Path, spec: ExperimentSpec, found: _Found, here: dict[str, Any], listener: Listener
) -> None:
    design = ledger.design()
    if not is_same(design, spec):
        raise DesignError(
            f"{folder} holds a different experiment: {'; '.join(what_differs(design['spec'], spec))}. "
            "Choose another folder with --out DIR, or --fresh for a new one; nothing is overwritten."
        )
    check_same_data(spec.data, found.split, design, folder)
    _check_same_code(ledger, folder, found.checked, accept=found.accept_changed_code)
    for key, epoch in ledger.damaged_runs().items():
        ledger.forget(key)
        listener.say(f"{key}: what the ledger had from epoch {epoch + 1} on was damaged; the run is trained again")
    known = ledger.environments()
    changed = differences(known[0], here) if known else []
    if changed:
        text = f"results continue, but not bit for bit: {'; '.join(changed)}"
        listener.say(text)
        ledger.event("environment changed", changes=changed)
    ledger.add_environment(here)
    before = tuple(design["spec"]["seeds"])
    added = [seed for seed in spec.seeds if seed not in before]
    if added:
        ledger.enlarge(added, _keys(spec.model_copy(update={"seeds": tuple(added)})))
    else:
        _tell_of_more_seeds(spec, before, folder, listener)
    whole = spec.model_copy(update={"seeds": (*before, *added)})
    ledger.add_runs(_keys(whole))  # whatever an older droplab left undone


def interrupted_error(flag: StopFlag, record: ExperimentRecord, folder: Path) -> InterruptedRunError:
    """What is done, what is kept, and how to go on."""
    done = sum(run.state == "done" for run in record.runs.values())
    epochs = Count(sum(run.epochs_done for run in record.runs.values()))
    return InterruptedRunError(
        f"stopped by {flag.name}: {done} of {len(record.runs)} runs are done and {epochs:epoch is|epochs are} kept in "
        f"{folder}. Run the same command again to continue.",
        flag.exit_code,
    )

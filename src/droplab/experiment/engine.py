"""From a spec to a finished ledger: check, open, carry out, in this order."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from droplab.data import Split, load
from droplab.errors import DesignError, InterruptedRunError
from droplab.experiment.calibrate import choose_device, choose_plan
from droplab.experiment.environment import differences, environment
from droplab.experiment.executors import Executor, Job, ProcessExecutor, SerialExecutor
from droplab.experiment.folder import default_folder, fresh_folder, make_folder, run_folder
from droplab.experiment.lock import folder_lock
from droplab.experiment.preflight import check_arms, check_sizes
from droplab.experiment.run import Plan, Task
from droplab.experiment.signals import StopFlag, stop_on_signals
from droplab.experiment.spec import ExperimentSpec, digest
from droplab.experiment.suits import check_recipe
from droplab.experiment.tensors import Workbench, workbench
from droplab.ledger import FILE_NAME, Ledger
from droplab.listener import Listener
from droplab.records import ExperimentRecord, Measurement, RunKey


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

    Raises:
        UserError: the spec does not fit data, model or folder; nothing was written.
        LockedError: another process works on the folder.
        InterruptedRunError: Ctrl-C or SIGTERM; finished epochs are kept.
        FailureError: the ledger or a worker failed; finished epochs are kept.
    """
    listener = listener or Listener()
    folder = out or default_folder(spec)
    if fresh:
        folder = fresh_folder(folder)
    device = choose_device(spec.compute.device)
    split = _load(spec, data_dir)
    check_sizes(spec, split)
    check_recipe(spec.recipe, split)
    check_arms(spec, tuple(split.shape), split.classes)
    bench = workbench(split, spec.recipe.fit_size, device)
    make_folder(folder)
    with ExitStack() as stack:
        stack.enter_context(folder_lock(folder))
        flag = stack.enter_context(stop_on_signals())
        ledger, plan, executor = _open(folder, spec, split, bench, data_dir, listener, stack)
        job = Job(spec, plan, data_dir, split.fingerprint)
        runner: Executor = executor or _executor(job, bench, stack)
        driver = _LedgerDriver(ledger, listener)
        tasks = [
            Task(key, run_folder(folder, ledger.run_id(key)), ledger.epochs_done(key)) for key in ledger.open_runs()
        ]
        listener.opened(ledger.read(), {**asdict(plan), **ledger.design()["calibration"]}, str(folder))
        runner.run(tasks, driver, flag)
        record = ledger.read()
        if flag():
            raise _interrupted(flag, record, folder)
        return Finished(folder, record)


def _load(spec: ExperimentSpec, data_dir: Path | None) -> Split:
    data = spec.data
    return load(
        data.name,
        data_dir=data_dir,
        train_size=data.train_size,
        validation_size=data.validation_size,
        split_seed=data.split_seed,
        options=data.options,
        inputs=data.inputs,
    )


def _executor(job: Job, bench: Workbench, stack: ExitStack) -> Executor:
    if job.plan.executor == "process":
        return stack.enter_context(ProcessExecutor(job))
    return SerialExecutor(job, bench)


def _keys(spec: ExperimentSpec) -> list[RunKey]:
    """Seed by seed, so that an interrupted experiment has whole pairs."""
    return [RunKey(arm.name, seed) for seed in spec.seeds for arm in spec.arms]


def _open(
    folder: Path,
    spec: ExperimentSpec,
    split: Split,
    bench: Workbench,
    data_dir: Path | None,
    listener: Listener,
    stack: ExitStack,
) -> tuple[Ledger, Plan, ProcessExecutor | None]:
    path = folder / FILE_NAME
    here = environment()
    if path.exists():
        ledger = stack.enter_context(Ledger.open(path))
        _continue(ledger, folder, spec, split, here, listener)
        return ledger, Plan(**ledger.design()["plan"]), None
    plan, figures, executor = choose_plan(
        spec, bench, len(spec.arms) * len(spec.seeds), data_dir, split.fingerprint, listener.say
    )
    if executor is not None:
        stack.push(executor)
    design = {
        "spec": spec.canonical(),
        "spec_hash": digest(spec.canonical()),
        "identity": spec.identity(),
        "plan": asdict(plan),
        "calibration": figures,
        "data_fingerprint": split.fingerprint,
        "data_dir": str(data_dir.resolve()) if data_dir else "",
        "sizes": {
            "train": len(split.train),
            "fit": len(bench.fit),
            "validation": len(split.validation),
            "test": len(split.test),
        },
        "class_names": list(split.class_names),
    }
    ledger = stack.enter_context(Ledger.create(path, design, _keys(spec)))
    ledger.add_environment(here)
    return ledger, plan, executor


def _continue(
    ledger: Ledger, folder: Path, spec: ExperimentSpec, split: Split, here: dict[str, Any], listener: Listener
) -> None:
    design = ledger.design()
    if design["identity"] != spec.identity():
        raise DesignError(
            f"{folder} holds a different experiment: {'; '.join(_changes(design['spec'], spec.canonical()))}. "
            "Choose another folder with --out DIR, or --fresh for a new one; nothing is overwritten."
        )
    if design["data_fingerprint"] != split.fingerprint:
        raise DesignError(
            f"the data {spec.data.name!r} is not what {folder} was started with (their checksums differ). "
            "Bring the old data back, or start anew with --fresh."
        )
    changed = differences(ledger.environments()[0], here)
    if changed:
        text = f"results continue, but not bit for bit: {'; '.join(changed)}"
        listener.say(text)
        ledger.event("environment changed", changes=changed)
    ledger.add_environment(here)
    before = tuple(design["spec"]["seeds"])
    added = [seed for seed in spec.seeds if seed not in before]
    if added:
        if any(run.state == "done" for run in ledger.read().runs.values()):
            ledger.event("seeds enlarged", before=list(before), added=added)
        ledger.set_design("spec", {**design["spec"], "seeds": [*before, *added]})
        ledger.plan(_keys(spec.model_copy(update={"seeds": tuple(added)})))
    elif len(spec.seeds) < len(before):
        listener.say(f"{folder} has {len(before)} seeds already; all of them are used")


def _changes(before: Any, after: Any, path: str = "") -> list[str]:
    """``recipe.lr: 0.001 there, 0.01 here`` for each value that differs; seeds and compute may."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [key for key in {**before, **after} if path or key not in {"seeds", "compute"}]
        return [line for key in keys for line in _changes(before.get(key), after.get(key), f"{path}.{key}".lstrip("."))]
    return [] if before == after else [f"{path}: {before!r} there, {after!r} here"]


class _LedgerDriver:
    """Writes what executors report into the ledger, then tells the listener."""

    def __init__(self, ledger: Ledger, listener: Listener) -> None:
        self._ledger, self._listener = ledger, listener

    def started(self, key: RunKey) -> None:
        self._ledger.set_state(key, "running")
        self._listener.started(key)

    def epoch(self, key: RunKey, measurement: Measurement) -> None:
        self._ledger.commit_epoch(key, measurement)
        self._listener.epoch(key, measurement)

    def _ended(self, key: RunKey, state: str, reason: str = "", *, retry: bool = True) -> None:
        self._ledger.set_state(key, state, reason, retry=retry)
        self._listener.ended(key, state, reason)

    def done(self, key: RunKey) -> None:
        self._ended(key, "done")

    def failed(self, key: RunKey, reason: str, *, retry: bool) -> None:
        self._ended(key, "failed", reason, retry=retry)

    def interrupted(self, key: RunKey) -> None:
        self._ended(key, "interrupted", "stopped by the user")

    def say(self, text: str) -> None:
        self._ledger.event("note", text=text)
        self._listener.say(text)


def _interrupted(flag: StopFlag, record: ExperimentRecord, folder: Path) -> InterruptedRunError:
    done = sum(run.state == "done" for run in record.runs.values())
    epochs = sum(run.epochs_done for run in record.runs.values())
    return InterruptedRunError(
        f"stopped by {flag.name}: {done} of {len(record.runs)} runs are done and {epochs} epochs are kept in "
        f"{folder}. Run the same command again to continue.",
        flag.exit_code,
    )

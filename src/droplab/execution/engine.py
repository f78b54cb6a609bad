"""From a spec to a finished ledger: check, open, carry out, in this order."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from droplab.errors import InterruptedRunError
from droplab.execution.calibrate import choose_device
from droplab.execution.continuing import all_done, go_on
from droplab.execution.driver import LedgerDriver
from droplab.execution.environment import environment
from droplab.execution.executors import Executor, ProcessExecutor, SerialExecutor
from droplab.execution.experiment import Experiment, Spec, keys
from droplab.execution.folder import fresh_folder, make_folder, run_folder
from droplab.execution.guest import Guest
from droplab.execution.house import House
from droplab.execution.lock import folder_lock
from droplab.execution.plan import OpenRun, Plan, is_compared
from droplab.execution.rounds import Wanted, all_of_them, rounds
from droplab.execution.signals import StopFlag, stop_on_signals
from droplab.execution.threads import check_threads
from droplab.kernels import prepare_meanwhile
from droplab.languages import Count
from droplab.ledger import FILE_NAME, Ledger, exists
from droplab.listener import GuardedListener, Listener, Silent
from droplab.records import ExperimentRecord, RunKey
from droplab.spec.experiment import ExperimentSpec, digest
from droplab.spec.loop import LoopSpec
from droplab.spec.plan import KEY, kept
from droplab.spec.tables import ComputeSpec


@dataclass(frozen=True)
class Finished:
    """An experiment whose runs have all ended."""

    folder: Path
    record: ExperimentRecord


def run_experiment(
    spec: ExperimentSpec | LoopSpec,
    *,
    out: Path | None = None,
    fresh: bool = False,
    data_dir: Path | None = None,
    listener: Listener | None = None,
    allow_random_baseline: bool = False,
    accept_changed_code: bool = False,
    wanted: Wanted = all_of_them,
) -> Finished:
    """Carry out all runs of a spec that are not done yet, or those of them that are wanted.

    The same spec in the same folder continues where it was. With more seeds than before it is enlarged (an experiment
    on a loop of the user's own with more arms, too), which the ledger records, as looking at results before choosing
    their number weakens the statistics.

    Args:
        spec: what to do.
        out: the experiment's folder; one under ``droplab-runs`` where absent.
        fresh: take a folder that does not exist yet, named after ``out``.
        data_dir: where data sets are looked for; for the house's own loop.
        listener: is told of everything that happens.
        allow_random_baseline: train an arm without dropout although the model drops by itself; the verdict says so.
        accept_changed_code: continue although the code that the spec names is another now; the verdict says so.
        wanted: is asked which runs are to be trained, before the first one and whenever those have ended.

    Raises:
        UserError: the spec does not fit data, model or folder, or the loop cannot be found; nothing was written.
        LockedError: another process works on the folder.
        InterruptedRunError: Ctrl-C or SIGTERM; finished epochs are kept.
        FailureError: the ledger or a worker failed; finished epochs are kept.
    """
    listener = GuardedListener(listener or Silent())
    directory = Path.cwd()  # the user's code may change it
    data_dir = data_dir.absolute() if data_dir is not None else None
    experiment: Experiment
    if isinstance(spec, LoopSpec):
        experiment = Guest(spec, directory)
    else:
        experiment = House(spec, data_dir, directory, allow_random_baseline=allow_random_baseline)
    folder = (out or experiment.folder()).absolute()
    if fresh:
        folder = fresh_folder(folder)
    check_threads(spec.compute)
    record = all_done(folder, experiment, listener, wanted)
    if record is not None:
        return Finished(folder, record)
    device = choose_device(spec.compute.device)
    prepare_meanwhile()
    experiment.look(device, listener.say)
    with ExitStack() as stack:
        if spec.compute.executor == "ray":
            _connect(spec.compute, directory, stack)
        make_folder(folder)
        stack.enter_context(folder_lock(folder))
        flag = stack.enter_context(stop_on_signals(give_up=lambda: _mark_interrupted(folder)))
        if exists(folder / FILE_NAME):
            ledger = stack.enter_context(Ledger.open(folder / FILE_NAME))
            whole = go_on(ledger, folder, experiment, listener, accept=accept_changed_code)
            executor = None
        else:
            ledger, executor = create(folder, experiment, device, listener, stack)
            whole = experiment.spec
        record = _carry_out(folder, experiment, whole, ledger, executor, listener, wanted, flag, stack)
        if flag():
            raise interrupted_error(flag, record, folder)
        return Finished(folder, record)


def create(
    folder: Path, experiment: Experiment, device: torch.device, listener: Listener, stack: ExitStack
) -> tuple[Ledger, ProcessExecutor | None]:
    """The ledger of a new experiment; and its workers, where they are running already."""
    spec = experiment.spec
    planned = experiment.choose(device, listener.say)
    if planned.executor is not None:
        stack.push(planned.executor)
    design = {
        "spec": spec.canonical(),
        "spec_hash": digest(spec.canonical()),
        "identity": spec.identity(),
        "plan": asdict(planned.plan),
        "calibration": planned.figures,
        KEY: kept(spec),
        **experiment.design(),
        **experiment.fingerprints({}),
    }
    ledger = stack.enter_context(Ledger.create(folder / FILE_NAME, design, keys(spec), environment()))
    for notice in (*experiment.notices, *experiment.chosen(planned)):
        ledger.notice(notice)
    return ledger, planned.executor


def _carry_out(
    folder: Path,
    experiment: Experiment,
    whole: Spec,
    ledger: Ledger,
    executor: Executor | None,
    listener: Listener,
    wanted: Wanted,
    flag: StopFlag,
    stack: ExitStack,
) -> ExperimentRecord:
    design = ledger.design()
    plan = Plan(**design["plan"])
    record = ledger.read()
    run_set = experiment.run_set(whole, plan, len(record.runs))
    if executor is None and plan.executor == "ray":
        from droplab.execution.executors.cluster import RayExecutor

        executor = stack.enter_context(RayExecutor(run_set, experiment.spec.compute, experiment.cargo()))
    elif executor is None and plan.executor == "process":
        executor = stack.enter_context(ProcessExecutor(run_set))
    elif executor is None:
        executor = SerialExecutor(experiment.opened(run_set))
    driver = LedgerDriver(ledger, listener)
    listener.opened(record, {**asdict(plan), **design["calibration"]}, str(folder))
    for known, keys_now in rounds(ledger, wanted):
        listener.round(known, keys_now)
        executor.run([open_run(known, key, folder, ledger) for key in keys_now], driver, flag)
        if flag():
            break
    ledger.check_place()
    return ledger.read()


def _connect(compute: ComputeSpec, directory: Path, stack: ExitStack) -> None:
    """To a cluster, before anything is written."""
    from droplab.execution.executors.cluster import connected

    stack.enter_context(connected(compute, directory))


def _mark_interrupted(folder: Path) -> None:
    """For a process that is about to be ended from outside of its main thread."""
    with Ledger.open(folder / FILE_NAME) as ledger:
        for key, (state, *_) in ledger.progress().items():
            if state == "running":
                ledger.set_state(key, "interrupted", "stopped by SIGTERM; it did not stop by itself")


def open_run(record: ExperimentRecord, key: RunKey, folder: Path, ledger: Ledger) -> OpenRun:
    """A run as executors are told of it."""
    run, primary = record.runs[key], f"val_{record.measures[0].name}"
    compared = {name: series for name, series in run.metrics.items() if is_compared(name, primary)}
    design = ledger.design()
    group = f"{design['spec']['name']} {design['experiment_id'][:8]}"
    return OpenRun(key, run_folder(folder, ledger.run_id(key)), run.epochs_done, group, compared, primary)


def interrupted_error(flag: StopFlag, record: ExperimentRecord, folder: Path) -> InterruptedRunError:
    """What is done, what is kept, and how to go on."""
    done = sum(run.state == "done" for run in record.runs.values())
    epochs = Count(sum(run.epochs_done for run in record.runs.values()))
    most = "at most " if len(record.endpoints.get("looks", ())) > 1 else ""
    return InterruptedRunError(
        f"stopped by {flag.name}: {done} of {most}{len(record.runs)} runs are done and {epochs:epoch is|epochs are} "
        f"kept in {folder}. Run the same command again to continue.",
        flag.exit_code,
    )

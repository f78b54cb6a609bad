"""From a loop of the user's own to a finished ledger."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from droplab.errors import DesignError
from droplab.execution.calibrate import choose_device
from droplab.execution.engine import Finished, interrupted_error, mark_interrupted, open_run
from droplab.execution.environment import cores, differences, environment
from droplab.execution.fingerprint import changed_code, digests_of, file_digests
from droplab.execution.folder import folder_for, fresh_folder, make_folder
from droplab.execution.lock import folder_lock
from droplab.execution.loop_carry_out import LoopSet
from droplab.execution.loop_driver import LoopDriver
from droplab.execution.loop_process import run_in_processes
from droplab.execution.loop_serial import run_serially
from droplab.execution.run import Plan
from droplab.execution.signals import stop_on_signals
from droplab.execution.threads import check_threads
from droplab.given import find, source_digest
from droplab.kernels import prepare_meanwhile
from droplab.ledger import FILE_NAME, Ledger, exists
from droplab.listener import GuardedListener, Listener, Silent
from droplab.measures import measures_json
from droplab.records import Notice, RunKey
from droplab.spec.experiment import digest
from droplab.spec.loop import NOT_IDENTITY, LoopSpec, enlarged
from droplab.training.run import Loop
from droplab.training.terms import Terms
from droplab.userobjects import resolve

NO_PRECISION = "the loop's own precision"


def run_loop(
    spec: LoopSpec,
    *,
    out: Path | None = None,
    fresh: bool = False,
    listener: Listener | None = None,
    accept_changed_code: bool = False,
) -> Finished:
    """Carry out all runs of a spec that are not done yet.

    The same loop and measures in the same folder continue where they were; seeds and arms that are new are added.

    Args:
        spec: what to do.
        out: the experiment's folder; one under ``droplab-runs`` where absent.
        fresh: take a folder that does not exist yet, named after ``out``.
        listener: is told of everything that happens.
        accept_changed_code: continue although the loop's code is another now; the verdict says so.

    Raises:
        UserError: the loop cannot be found, or the folder holds another experiment.
        LockedError: another process works on the folder.
        InterruptedRunError: Ctrl-C or SIGTERM; finished epochs are kept.
        FailureError: the ledger failed; finished epochs are kept.
    """
    listener = GuardedListener(listener or Silent())
    directory = Path.cwd()
    loop: Loop = resolve(spec.loop, "loop", DesignError)
    check_threads(spec.compute)
    device = choose_device(spec.compute.device)
    folder = (out or folder_for(spec.name, spec.identity())).absolute()
    if fresh:
        folder = fresh_folder(folder)
    make_folder(folder)
    prepare_meanwhile()
    with ExitStack() as stack:
        stack.enter_context(folder_lock(folder))
        flag = stack.enter_context(stop_on_signals(give_up=lambda: mark_interrupted(folder)))
        path = folder / FILE_NAME
        if exists(path):
            ledger = stack.enter_context(Ledger.open(path))
            spec = _continue(ledger, folder, spec, listener, accept=accept_changed_code)
        else:
            ledger = stack.enter_context(_create(path, spec, str(device)))
        design = ledger.design()
        plan = Plan(**design["plan"])
        record = ledger.read()
        each = spec.keep_samples / len(record.runs)
        terms = Terms(spec.measures, spec.epochs or 0, plan.device, keep_samples=each)
        runs = [open_run(record.runs[key], folder, ledger) for key in ledger.open_runs()]
        listener.opened(record, asdict(plan), str(folder))
        carry_out_all = run_in_processes if plan.executor == "process" else run_serially
        carry_out_all(
            loop, LoopSet(spec.loop, spec.arms, terms, plan, directory), runs, LoopDriver(ledger, listener), flag
        )
        ledger.check_place()
        record = ledger.read()
        if flag():
            raise interrupted_error(flag, record, folder)
        return Finished(folder, record)


def _keys(spec: LoopSpec) -> list[RunKey]:
    """Seed by seed, so that an interrupted experiment has whole pairs."""
    return [RunKey(arm.name, seed) for seed in spec.seeds for arm in spec.arms]


def _plan(spec: LoopSpec, device: str) -> Plan:
    """``auto`` is one run at a time: what a loop may share with others on this machine, it alone knows."""
    compute = spec.compute
    if compute.executor != "process":
        return Plan("serial", 1, compute.threads or torch.get_num_threads(), NO_PRECISION, device)
    workers = compute.workers or (cores() if compute.threads is None else max(1, cores() // compute.threads))
    return Plan("process", workers, compute.threads or max(1, cores() // workers), NO_PRECISION, device)


def _create(path: Path, spec: LoopSpec, device: str) -> Ledger:
    canonical = spec.canonical()
    design = {
        "spec": canonical,
        "spec_hash": digest(canonical),
        "identity": spec.identity(),
        "measures": measures_json(spec.measures),
        "epochs": spec.epochs or 0,
        "plan": asdict(_plan(spec, device)),
        "calibration": {},
        "code": _code(spec),
    }
    return Ledger.create(path, design, _keys(spec), environment())


def _code(spec: LoopSpec) -> dict[str, dict[str, str]]:
    """What tells the loop from another of its name: its file's digests, or its own where only this process has it."""
    loop = find(spec.loop)
    script = getattr(loop, "path", None) if hasattr(loop, "carry_out") else None
    if script is not None:
        found = digests_of(Path(script)) if script else {}
    elif loop is None:
        found = file_digests(spec.loop)
    else:
        found = {"file": spec.loop_name, "bytes": source_digest(loop)}
    return {"loop": found} if found else {}


def _continue(ledger: Ledger, folder: Path, spec: LoopSpec, listener: Listener, *, accept: bool) -> LoopSpec:
    design = ledger.design()
    if design["identity"] != spec.identity():
        raise DesignError(
            f"{folder} holds a different experiment: {_difference(design['spec'], spec.canonical())}. Choose another "
            "folder with out=…, or fresh=True for a new one; nothing is overwritten."
        )
    whole, seeds, arms = enlarged(spec, design["spec"])
    _check_same_code(ledger, folder, _code(spec), accept=accept)
    for key, epoch in ledger.damaged_runs().items():
        ledger.forget(key)
        listener.say(f"{key}: what the ledger had from epoch {epoch + 1} on was damaged; the run is trained again")
    here = environment()
    changed = differences(ledger.environments()[0], here)
    if changed:
        listener.say(f"results continue, but not bit for bit: {'; '.join(changed)}")
        ledger.event("environment changed", changes=changed)
    ledger.add_environment(here)
    if seeds or arms:
        ledger.enlarge(seeds, _keys(whole), arms)
    more = [
        *(set(design["spec"]["seeds"]) - set(spec.seeds)),
        *({a.name for a in whole.arms} - {a.name for a in spec.arms}),
    ]
    if more:
        listener.say(f"{folder} has more seeds or arms already; all of them are used")
    return whole


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    if "loop" not in before:
        return "it trains with droplab's own loop, not with one of yours"
    keys = [key for key in now if key not in NOT_IDENTITY and before.get(key) != now[key]]
    return "; ".join(f"{key}: {before.get(key)!r} there, {now[key]!r} here" for key in keys)


def _check_same_code(ledger: Ledger, folder: Path, now: dict[str, dict[str, str]], *, accept: bool) -> None:
    changed = changed_code(ledger.design()["code"], now)
    if changed and not any(run.epochs_done for run in ledger.read().runs.values()):
        changed = []  # nothing was measured with it
    if changed and not accept:
        raise DesignError(
            f"the code of the {' and '.join(changed)} is not what {folder} was started with, so that one verdict would "
            "be over two of them. Bring the old code back, start anew with fresh=True (--fresh), or, if results cannot "
            "differ, continue with accept_changed_code=True (--accept-changed-code); the verdict then says so."
        )
    if changed:
        ledger.event("code changed", changes=changed)
        ledger.notice(Notice("code_changed", detail={"what": ", ".join(changed)}))
    ledger.set_design("code", now)

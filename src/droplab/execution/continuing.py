"""An experiment that its folder has already: whether it is the same one, and what is left to do."""

from __future__ import annotations

from pathlib import Path

from droplab.errors import DesignError
from droplab.execution.environment import differences, environment
from droplab.execution.experiment import Experiment, Spec, keys
from droplab.execution.rounds import Wanted, still_wanted
from droplab.ledger import FILE_NAME, Ledger, LedgerReader, exists
from droplab.listener import Listener
from droplab.records import ExperimentRecord, Notice
from droplab.spec.plan import KEY, continued


def all_done(folder: Path, experiment: Experiment, listener: Listener, wanted: Wanted) -> ExperimentRecord | None:
    """What the folder holds, where nothing of this spec is left to do: neither data nor workers are wanted then."""
    path = folder / FILE_NAME
    if not exists(path):
        return None
    with LedgerReader.open(path) as ledger:
        design = ledger.design()
        if not experiment.is_same(design) or not experiment.is_untouched(design):
            return None
        whole = experiment.whole(design["spec"])
        if whole.seeds or whole.arms or ledger.damaged_runs():
            return None
        before = design.get(KEY, {})
        if continued(before, whole.spec, seen=True)[0] != before:
            return None
        record = ledger.read()
        if not record.runs.keys() >= set(keys(whole.spec)) or still_wanted(ledger.open_runs(), record, wanted):
            return None
        listener.opened(record, {**design["plan"], **design["calibration"]}, str(folder))
    _tell(whole.more, folder, listener)
    return record


def go_on(ledger: Ledger, folder: Path, experiment: Experiment, listener: Listener, *, accept: bool) -> Spec:
    """See that the ledger is of this experiment, and add what is new.

    Args:
        ledger: the folder's.
        folder: its own.
        experiment: as it is asked for now, looked at.
        listener: is told what is otherwise than before.
        accept: continue although the code is another now; the verdict says so.

    Returns:
        The spec with all seeds and arms that the ledger now has.

    Raises:
        DesignError: it is another experiment, or its data or code are others.
        UserError: an arm of one name is another one now.
    """
    design = ledger.design()
    if not experiment.is_same(design):
        raise DesignError(
            f"{folder} holds a different experiment: {experiment.what_differs(design['spec'])}. Choose another folder "
            "with out=… (--out DIR), or fresh=True (--fresh) for a new one; nothing is overwritten."
        )
    whole = experiment.whole(design["spec"])
    _check_same_code(ledger, folder, experiment, accept=accept)
    for key, epoch in ledger.damaged_runs().items():
        ledger.forget(key)
        listener.say(f"{key}: what the ledger had from epoch {epoch + 1} on was damaged; the run is trained again")
    here, known = environment(), ledger.environments()
    changed = differences(known[0], here) if known else []
    if changed:
        listener.say(f"results continue, but not bit for bit: {'; '.join(changed)}")
        ledger.event("environment changed", changes=changed)
    ledger.add_environment(here)
    if whole.seeds or whole.arms:
        ledger.enlarge(whole.seeds, keys(whole.spec), whole.arms)
    _keep_plan(ledger, whole.spec)
    _tell(whole.more, folder, listener)
    ledger.add_runs(keys(whole.spec))  # whatever an older droplab left undone
    for notice in experiment.notices:
        ledger.notice(notice)
    return whole.spec


def _keep_plan(ledger: Ledger, spec: Spec) -> None:
    """Judge as it is asked now; the verdict says so where results could be seen before."""
    before = ledger.design().get(KEY, {})
    seen = any(state == "done" for state, *_ in ledger.progress().values())
    after, notice = continued(before, spec, seen=seen)
    if after != before:
        ledger.set_design(KEY, after)
    if notice is not None:
        ledger.notice(notice)


def _tell(more: str, folder: Path, listener: Listener) -> None:
    if more:
        listener.say(f"{folder} has {more}")


def _check_same_code(ledger: Ledger, folder: Path, experiment: Experiment, *, accept: bool) -> None:
    """Data have a fingerprint; so has the code that a spec names, and the weights that models begin with."""
    design = ledger.design()
    changed = experiment.changed(design, folder)
    if "loop" in design["spec"] and not any(run.epochs_done for run in ledger.read().runs.values()):
        changed = []  # nothing was measured with it
    if changed and not accept:
        named = " and ".join(f"the {what}" if what.startswith("loop ") else what for what in changed)
        raise DesignError(
            f"the code of {named} is not what {folder} was started with, so that one verdict would "
            "be over two of them. Bring the old code back, start anew with fresh=True (--fresh), or, if results cannot "
            "differ, continue with accept_changed_code=True (--accept-changed-code); the verdict then says so."
        )
    if changed:
        ledger.event("code changed", changes=changed)
        ledger.notice(Notice("code_changed", detail={"what": ", ".join(changed)}))
    for part, value in experiment.fingerprints(design).items():
        ledger.set_design(part, value)

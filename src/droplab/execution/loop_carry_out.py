"""Carry out one run of a loop of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch

from droplab.errors import DivergedError
from droplab.execution.checkpoint import CheckpointStore
from droplab.execution.executors.reasons import may_retry, reason_of
from droplab.execution.run import OpenRun, Plan
from droplab.spec.experiment import ArmSpec
from droplab.training.port import Port
from droplab.training.run import Loop, Run
from droplab.training.seeding import borrowed_generators, seed_everything
from droplab.training.terms import Terms
from droplab.training.watching import Nobody, Past, Watch, located


@dataclass(frozen=True)
class LoopSet:
    """What an executor needs to carry out runs, the loop itself apart; crosses process borders."""

    loop_name: str
    arms: tuple[ArmSpec, ...]
    terms: Terms
    plan: Plan
    directory: Path
    """Where the user's modules and relative paths are looked for."""


Outcome = tuple[str, str, bool]
"""``done``, ``stopped`` or ``failed``; the reason; and whether another try could end otherwise."""


def carry_out(loop: Loop, run: OpenRun, loops: LoopSet, port: Port) -> Outcome:
    """Call the loop with a ``Run``, and say how it ended.

    A script is carried out in a process of its own. An epoch is committed to the ledger before its checkpoint is
    written, so that the ledger is never behind one.
    """
    elsewhere = getattr(loop, "carry_out", None)
    if elsewhere is not None:
        return cast("Outcome", elsewhere(run, loops, port))
    torch.set_num_threads(loops.plan.threads)
    arm = next(arm for arm in loops.arms if arm.name == run.key.arm)
    store = CheckpointStore(run.folder, port.say)
    seen = Run(arm, run.key.seed, loops.terms, store, run.epochs_in_ledger, port)

    def again(watch: Watch) -> None:
        epoch = seen.epoch or 0
        watched = Run(arm, run.key.seed, loops.terms, Past(store, epoch), epoch, Nobody(port.stop), watch)
        _call(loop, watched)

    try:
        _call(loop, seen)
        if not seen.stopped:
            seen.finish()
    except (Exception, SystemExit) as problem:  # noqa: BLE001  # whatever one run does, the others go on
        if not seen.stopped:
            if isinstance(problem, DivergedError) and seen.epoch is not None:
                problem = located(problem, again, seen.epoch)  # it says more
            return "failed", reason_of(problem), may_retry(problem)
    return ("stopped" if seen.stopped else "done"), "", True


def _call(loop: Loop, run: Run) -> None:
    with borrowed_generators():
        seed_everything(run.seed, "loop")
        loop(run)

"""Carry out one run of a loop of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from droplab.execution.checkpoint import CheckpointStore
from droplab.execution.executors.reasons import may_retry, reason_of
from droplab.execution.run import OpenRun, Plan
from droplab.spec.experiment import ArmSpec
from droplab.training.port import Port
from droplab.training.run import Loop, Run, Terms
from droplab.training.seeding import borrowed_generators, seed_everything


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

    An epoch is committed to the ledger before its checkpoint is written, so that the ledger is never behind one.
    """
    torch.set_num_threads(loops.plan.threads)
    arm = next(arm for arm in loops.arms if arm.name == run.key.arm)
    store = CheckpointStore(run.folder, port.say)
    seen = Run(arm, run.key.seed, loops.terms, store, run.epochs_in_ledger, port)
    try:
        with borrowed_generators():
            seed_everything(run.key.seed, "loop")
            loop(seen)
            if not seen.stopped:
                seen.finish()
    except (Exception, SystemExit) as problem:  # noqa: BLE001  # whatever one run does, the others go on
        if not seen.stopped:
            return "failed", reason_of(problem), may_retry(problem)
    return ("stopped" if seen.stopped else "done"), "", True

"""Runs of a loop of the user's own, in the process that carries them out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch

from droplab.errors import DivergedError
from droplab.execution.carrying import unpacked
from droplab.execution.checkpoint import store_of
from droplab.execution.plan import OpenRun, Plan
from droplab.spec.experiment import ArmSpec
from droplab.training.labels import Labels, open_now
from droplab.training.port import Port, StoppedError
from droplab.training.run import Loop, Run
from droplab.training.seeding import borrowed_generators, seed_everything
from droplab.training.terms import Terms
from droplab.training.watching import Nobody, Past, Watch, located


@final
@dataclass(frozen=True)
class GuestSet:
    """See ``RunSet``."""

    loop_name: str
    loop: bytes | None
    """``None`` where the name is enough."""
    arms: tuple[ArmSpec, ...]
    terms: Terms
    plan: Plan
    directory: Path
    daemon: bool = False
    """A loop may start processes, those of a ``DataLoader`` for one."""

    def open(self, cargo: Any = None) -> GuestRuns:  # noqa: ARG002  # a loop loads its data itself
        """Find the loop."""
        return GuestRuns(self, unpacked(self.loop_name, self.loop))


@final
@dataclass(frozen=True)
class GuestRuns:
    """See ``Opened``."""

    run_set: GuestSet
    loop: Loop

    def carry_out(self, run: OpenRun, port: Port) -> None:
        """See ``Opened``; calls the loop with a ``Run``."""
        elsewhere = getattr(self.loop, "carry_out", None)
        if elsewhere is not None:  # a script, in a process of its own
            elsewhere(run, self.run_set, port)
            return
        terms, key = self.run_set.terms, run.key
        torch.set_num_threads(self.run_set.plan.threads)
        arm = next(arm for arm in self.run_set.arms if arm.name == key.arm)
        store = store_of(run.folder, port)
        labels = Labels(run.group, key.arm, key.seed, port, open_now())
        seen = Run(arm, key.seed, terms, store, run.epochs_in_ledger, port, labels=labels)

        def again(watch: Watch) -> None:
            epoch = seen.epoch or 0
            _call(self.loop, Run(arm, key.seed, terms, Past(store, epoch), epoch, Nobody(port.stop), watch))

        try:
            _call(self.loop, seen)
            if not seen.stopped:
                seen.finish()
        except (Exception, SystemExit) as problem:
            if seen.stopped:
                raise StoppedError from None
            if isinstance(problem, DivergedError) and seen.epoch is not None:
                raise located(problem, again, seen.epoch) from None  # it says more
            raise
        if seen.stopped:  # and the loop has swallowed that
            raise StoppedError


def _call(loop: Loop, run: Run) -> None:
    with borrowed_generators():
        seed_everything(run.seed, "loop")
        loop(run)

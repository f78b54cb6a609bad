"""Runs of a loop, the house's own or a guest's, in the process that carries them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, final

import torch

from droplab.errors import DivergedError
from droplab.execution.plan import OpenRun, Plan
from droplab.spec.arm import ArmSpec
from droplab.training.labels import Labels, open_now
from droplab.training.port import Port, StoppedError, Store
from droplab.training.run import Loop, Run
from droplab.training.seeding import borrowed_generators, seed_everything
from droplab.training.terms import Terms
from droplab.training.watching import Nobody, Past, Watch, located


class LoopSet(Protocol):
    """A ``RunSet`` of one loop."""

    @property
    def arms(self) -> Sequence[ArmSpec]:
        """All of the experiment's."""

    @property
    def terms(self) -> Terms:
        """What is the same for all runs."""

    @property
    def plan(self) -> Plan:
        """See ``RunSet``."""

    @property
    def directory(self) -> Path:
        """See ``RunSet``."""

    def store(self, run: OpenRun, port: Port) -> Store:
        """A run's checkpoints."""


@final
@dataclass(frozen=True)
class LoopRuns:
    """See ``Opened``."""

    run_set: LoopSet
    loop: Loop

    def carry_out(self, run: OpenRun, port: Port) -> None:
        """See ``Opened``; calls the loop with a ``Run``.

        Raises:
            DivergedError: with the step and layer where it began.
        """
        elsewhere = getattr(self.loop, "carry_out", None)
        if elsewhere is not None:  # a script, in a process of its own
            elsewhere(run, self.run_set, port)
            return
        terms, key = self.run_set.terms, run.key
        torch.set_num_threads(self.run_set.plan.threads)
        arm = next(arm for arm in self.run_set.arms if arm.name == key.arm)
        store = self.run_set.store(run, port)
        labels = Labels(run.group, key.arm, key.seed, port, open_now())
        seen = Run(arm, key.seed, terms, store, run.epochs_in_ledger, port, labels=labels)

        def again(watch: Watch, nobody: Nobody) -> None:
            epoch = seen.epoch or 0
            _call(self.loop, Run(arm, key.seed, terms, Past(store, epoch), epoch, nobody, watch))

        try:
            _call(self.loop, seen)
            if not seen.stopped:
                seen.finish()
        except (Exception, SystemExit) as problem:
            if seen.stopped:
                raise StoppedError from None
            if isinstance(problem, DivergedError) and seen.epoch is not None:
                raise located(problem, again, port.stop, seen.epoch) from None  # it says more
            raise
        if seen.stopped:  # and the loop has swallowed that
            raise StoppedError


def _call(loop: Loop, run: Run) -> None:
    with borrowed_generators():
        seed_everything(run.seed, "loop")
        loop(run)

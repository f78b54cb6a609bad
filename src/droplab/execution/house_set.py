"""What executors need to carry out runs of the house's own loop."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import final

import torch

from droplab.data import Split
from droplab.errors import DataError
from droplab.execution.checkpoint import store_of
from droplab.execution.house_store import HouseStore
from droplab.execution.loading import lay_out_for, split_of, with_sizes
from droplab.execution.plan import OpenRun, Plan
from droplab.execution.runs import LoopRuns
from droplab.execution.seed_data import SeedData
from droplab.spec.arm import ArmSpec
from droplab.spec.experiment import ExperimentSpec
from droplab.tasks.split import TaskSplit
from droplab.training.loop import HouseLoop
from droplab.training.port import Port
from droplab.training.samples import RunData
from droplab.training.terms import Terms


def terms_for(data: RunData) -> Terms:
    """What each run is told; the loop says how many epochs there are."""
    return Terms(data.task.measures, 0, str(data.device))


@final
@dataclass(frozen=True)
class HouseSet:
    """See ``RunSet``."""

    spec: ExperimentSpec
    plan: Plan
    terms: Terms
    data_dir: Path | None
    fingerprint: str
    """Of the split; a worker that loads other data must not train on it."""
    directory: Path
    daemon: bool = True

    @property
    def arms(self) -> tuple[ArmSpec, ...]:
        """See ``LoopSet``."""
        return self.spec.arms

    def store(self, run: OpenRun, port: Port) -> HouseStore:
        """See ``LoopSet``."""
        return HouseStore(store_of(run.folder, port), run.measured, f"val_{self.terms.measures[0].name}")

    def open(self, cargo: Split | TaskSplit | None = None) -> LoopRuns:
        """Load the data, where the driver has not sent them."""
        split = split_of(self.spec, 0, self.data_dir) if cargo is None else cargo
        if split.fingerprint != self.fingerprint:
            raise DataError(
                f"data {self.spec.data.name!r} loaded differently in a worker process than in the driver. "
                "A data function must return the same samples on every call."
            )
        laid_out = lay_out_for(self.spec, split, self.spec.recipe.fit_size, torch.device(self.plan.device))
        return self.opened(with_sizes(self.spec, laid_out, self.data_dir))

    def opened(self, data: RunData) -> LoopRuns:
        """With data that are laid out already: those of all seeds, unless each draws its own."""
        return LoopRuns(self, HouseLoop(self.spec, SeedData(self.spec, self.data_dir, data), self.plan.precision))

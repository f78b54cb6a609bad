"""An experiment on the house's own loop: data and model by name, both checked before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import torch

from droplab.data import Split
from droplab.data.shapes import is_plain
from droplab.execution.calibrate import choose_plan, precision_notices
from droplab.execution.check import Checked, check_experiment
from droplab.execution.experiment import ChosenPlan, Whole
from droplab.execution.fingerprint import changed_code
from droplab.execution.folder import default_folder
from droplab.execution.house_set import HouseSet, terms_for
from droplab.execution.loading import check_same_data, lay_out_for, split_of, told_task, with_sizes
from droplab.execution.plan import Plan
from droplab.execution.runs import LoopRuns
from droplab.execution.seed_data import drawn
from droplab.measures import KEY, measures_json
from droplab.records import Notice
from droplab.spec.enlarged import enlarged_spec
from droplab.spec.experiment import ExperimentSpec
from droplab.spec.rivals import train_sizes
from droplab.spec.same import is_same, what_differs
from droplab.spec.task import DEFAULT
from droplab.tasks.split import TaskSplit
from droplab.training.samples import RunData


@dataclass(frozen=True)
class _Found:
    """What data and model turned out to be."""

    split: Split | TaskSplit
    data: RunData
    checked: Checked


@final
class House:
    """See ``Experiment``.

    Args:
        spec: what to do.
        data_dir: where data sets are looked for.
        directory: where workers look for the user's modules and relative paths.
        allow_random_baseline: say, and do not refuse, that an arm without dropout drops.
    """

    def __init__(
        self, spec: ExperimentSpec, data_dir: Path | None, directory: Path, *, allow_random_baseline: bool
    ) -> None:
        self.spec = spec
        self._data_dir, self._directory, self._allow = data_dir, directory, allow_random_baseline
        self._found: _Found | None = None

    def folder(self) -> Path:
        """See ``Experiment``."""
        return default_folder(self.spec)

    def is_same(self, design: Mapping[str, Any]) -> bool:
        """See ``Experiment``."""
        return is_same(design, self.spec)

    def what_differs(self, before: Mapping[str, Any]) -> str:
        """See ``Experiment``."""
        return "; ".join(what_differs(before, self.spec))

    def whole(self, before: Mapping[str, Any]) -> Whole:
        """See ``Experiment``."""
        return Whole(*enlarged_spec(self.spec, before))

    def is_untouched(self, design: Mapping[str, Any]) -> bool:  # noqa: ARG002  # see Experiment
        """See ``Experiment``; of data and model nothing is known before they are loaded."""
        return True

    def look(self, device: torch.device, say: Callable[[str], None]) -> None:
        """See ``Experiment``."""
        self.spec, given = told_task(self.spec)
        split = split_of(self.spec, 0, self._data_dir, given)
        if self.spec.resample:
            split_of(self.spec, max(self.spec.seeds), self._data_dir)
        for line in split.told if isinstance(split, TaskSplit) else ():
            say(line)
        data = lay_out_for(self.spec, split, self.spec.recipe.fit_size, device)
        data = with_sizes(self.spec, data, self._data_dir)
        checked = check_experiment(self.spec, split, data, allow_random_baseline=self._allow)
        self._found = _Found(split, data, checked)

    @property
    def _seen(self) -> _Found:
        assert self._found is not None
        return self._found

    @property
    def notices(self) -> Sequence[Notice]:
        """See ``Experiment``."""
        drawn_ones = [drawn(self._seen.split)] if self.spec.resample else []
        return (*self._seen.checked.notices, *drawn_ones)

    def changed(self, design: Mapping[str, Any], folder: Path) -> list[str]:
        """See ``Experiment``: digests of files, and of the weights that models begin with."""
        checked = self._seen.checked
        check_same_data(self.spec.data, self._seen.split, design, folder)
        changed = changed_code(design.get("code", {}), checked.code)
        before = design.get("initial_weights", {})
        if not changed and any(before.get(seed, digest) != digest for seed, digest in checked.weights.items()):
            changed = ["model (its initial weights are others)"]
        return changed

    def fingerprints(self, design: Mapping[str, Any]) -> dict[str, Any]:
        """See ``Experiment``."""
        checked = self._seen.checked
        return {"code": checked.code, "initial_weights": {**design.get("initial_weights", {}), **checked.weights}}

    def choose(self, device: torch.device, say: Callable[[str], None]) -> ChosenPlan:  # noqa: ARG002  # the data are there
        """See ``Experiment``."""
        runs = len(self.spec.arms) * len(self.spec.seeds)
        seen = self._seen
        return choose_plan(self.spec, seen.data, runs, self._data_dir, seen.split.fingerprint, say, self._directory)

    def design(self) -> dict[str, Any]:
        """See ``Experiment``."""
        split, data = self._seen.split, self._seen.data
        return {
            "data_fingerprint": split.fingerprint,
            "data_dir": str(self._data_dir.resolve()) if self._data_dir is not None else "",
            "sizes": {
                "train": len(split.train),
                "fit": len(data.fit),
                "validation": len(split.validation),
                "test": len(split.test),
            },
            "shape": list(split.shape) if is_plain(split.shape) else [],
            "class_names": list(split.class_names),
            **({} if self.spec.task == DEFAULT else {KEY: measures_json(data.task.measures)}),
        }

    def chosen(self, planned: ChosenPlan) -> Sequence[Notice]:
        """See ``Experiment``."""
        return precision_notices(self.spec, planned.plan, planned.figures)

    def run_set(self, spec: ExperimentSpec, plan: Plan, runs: int) -> HouseSet:  # noqa: ARG002  # see Experiment
        """See ``Experiment``."""
        seen = self._seen
        terms = replace(terms_for(seen.data), device=plan.device)
        return HouseSet(spec, plan, terms, self._data_dir, seen.split.fingerprint, self._directory)

    def cargo(self) -> Split | TaskSplit | None:
        """See ``Experiment``; where seeds or arms have samples of their own, nodes load them."""
        return None if self.spec.resample or train_sizes(self.spec) else self._seen.split

    def opened(self, run_set: HouseSet) -> LoopRuns:
        """See ``Experiment``."""
        data = self._seen.data
        if len(run_set.spec.arms) > len(self.spec.arms):  # arms that the folder has beyond the spec
            data = with_sizes(run_set.spec, data, self._data_dir)
        return run_set.opened(data)

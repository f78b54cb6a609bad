"""An experiment on a loop of the user's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch

from droplab.errors import DesignError
from droplab.execution.calibrate import plan_on_ray
from droplab.execution.carrying import packed, unpacked
from droplab.execution.checkpoint import store_of
from droplab.execution.environment import cores
from droplab.execution.experiment import ChosenPlan, Whole
from droplab.execution.fingerprint import changed_code, digests_of, file_digests
from droplab.execution.folder import folder_for
from droplab.execution.plan import OpenRun, Plan
from droplab.execution.runs import LoopRuns
from droplab.given import find, source_digest
from droplab.measures import measures_json
from droplab.records import Notice
from droplab.spec.arm import ArmSpec
from droplab.spec.enlarged import as_it_began
from droplab.spec.loop import NOT_IDENTITY, LoopSpec, enlarged
from droplab.training.port import Port, Store
from droplab.training.run import Loop
from droplab.training.terms import Terms
from droplab.userobjects import resolve

NO_PRECISION = "the loop's own precision"


def terms_of(spec: LoopSpec, plan: Plan, runs: int) -> Terms:
    """What each of so many runs is told."""
    return Terms(
        spec.measures, spec.epochs or 0, plan.device, keep_samples=spec.keep_samples / runs, resample=spec.resample
    )


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

    def store(self, run: OpenRun, port: Port) -> Store:
        """See ``LoopSet``."""
        return store_of(run.folder, port)

    def open(self, cargo: Any = None) -> LoopRuns:  # noqa: ARG002  # a loop loads its data itself
        """Find the loop."""
        return LoopRuns(self, unpacked(self.loop_name, self.loop))


@final
class Guest:
    """See ``Experiment``.

    Args:
        spec: what to do.
        directory: where workers look for the user's modules and relative paths.
    """

    def __init__(self, spec: LoopSpec, directory: Path) -> None:
        self.spec = spec
        self._directory = directory
        self._loop: Loop | None = None

    def folder(self) -> Path:
        """See ``Experiment``."""
        return folder_for(self.spec.name, self.spec.identity())

    def is_same(self, design: Mapping[str, Any]) -> bool:
        """See ``Experiment``."""
        return bool(design["identity"] == as_it_began(design, self.spec).identity())

    def what_differs(self, before: Mapping[str, Any]) -> str:
        """See ``Experiment``."""
        if "loop" not in before:
            return "it trains with droplab's own loop, not with one of yours"
        now = self.spec.canonical()
        differing = [key for key in {**now, **before} if key not in NOT_IDENTITY and before.get(key) != now.get(key)]
        return "; ".join(f"{key}: {before.get(key)!r} there, {now.get(key)!r} here" for key in differing)

    def whole(self, before: Mapping[str, Any]) -> Whole:
        """See ``Experiment``."""
        spec, seeds, arms = enlarged(self.spec, before)
        names = {arm.name for arm in self.spec.arms}
        more = set(before["seeds"]) > set(self.spec.seeds) or {arm["name"] for arm in before["arms"]} > names
        return Whole(spec, seeds, arms, "more seeds or arms already; all of them are used" if more else "")

    def _code(self) -> dict[str, dict[str, str]]:
        """What tells the loop from another: its file's digests, or its own where only this process has it."""
        spec = self.spec
        loop = find(spec.loop)
        script = getattr(loop, "path", None) if hasattr(loop, "carry_out") else None
        if script is not None:
            found = digests_of(Path(script)) if script else {}
        elif loop is None:
            found = file_digests(spec.loop)
        else:
            found = {"file": spec.loop_name, "bytes": source_digest(loop)}
        return {"loop": found} if found else {}

    def is_untouched(self, design: Mapping[str, Any]) -> bool:
        """See ``Experiment``."""
        return not changed_code(design["code"], self._code())

    def look(self, device: torch.device, say: Callable[[str], None]) -> None:  # noqa: ARG002  # see Experiment
        """See ``Experiment``."""
        self._loop = loop = resolve(self.spec.loop, "loop", DesignError)
        if hasattr(loop, "carry_out") and self.spec.compute.executor == "ray":
            raise DesignError("a script is launched on this machine, not on a cluster: leave compute.executor out")
        try:
            inspect.signature(loop).bind(None)
        except TypeError as problem:
            raise DesignError(
                f"loop {self.spec.loop_name!r} is called with one argument, a droplab.Run, and does not take it "
                f"({problem}); write def train(run): …, and give it more by functools.partial or a lambda"
            ) from None
        except ValueError:  # written in C
            pass

    @property
    def notices(self) -> Sequence[Notice]:
        """See ``Experiment``."""
        return ()

    def changed(self, design: Mapping[str, Any], folder: Path) -> list[str]:  # noqa: ARG002  # see Experiment
        """See ``Experiment``."""
        return changed_code(design["code"], self._code())

    def fingerprints(self, design: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002  # see Experiment
        """See ``Experiment``."""
        return {"code": self._code()}

    def choose(self, device: torch.device, say: Callable[[str], None]) -> ChosenPlan:  # noqa: ARG002  # see Experiment
        """See ``Experiment``. ``auto`` is one run at a time: what a loop may share with others here, it alone knows."""
        compute = self.spec.compute
        if compute.executor == "ray":
            return ChosenPlan(plan_on_ray(compute, NO_PRECISION), {})
        if compute.executor != "process":
            threads = compute.threads or torch.get_num_threads()
            return ChosenPlan(Plan("serial", 1, threads, NO_PRECISION, str(device)), {})
        workers = compute.workers or (cores() if compute.threads is None else max(1, cores() // compute.threads))
        threads = compute.threads or max(1, cores() // workers)
        return ChosenPlan(Plan("process", workers, threads, NO_PRECISION, str(device)), {})

    def design(self) -> dict[str, Any]:
        """See ``Experiment``."""
        return {"measures": measures_json(self.spec.measures), "epochs": self.spec.epochs or 0}

    def chosen(self, planned: ChosenPlan) -> Sequence[Notice]:  # noqa: ARG002  # see Experiment
        """See ``Experiment``."""
        return ()

    def run_set(self, spec: LoopSpec, plan: Plan, runs: int) -> GuestSet:
        """See ``Experiment``."""
        assert self._loop is not None
        alone = plan.executor == "serial"
        loop = None if alone else packed(spec.loop, self._loop, by_value=plan.executor == "ray")
        return GuestSet(spec.loop, loop, spec.arms, terms_of(spec, plan, runs), plan, self._directory)

    def cargo(self) -> None:
        """See ``Experiment``."""

    def opened(self, run_set: GuestSet) -> LoopRuns:
        """See ``Experiment``."""
        assert self._loop is not None
        return LoopRuns(run_set, self._loop)

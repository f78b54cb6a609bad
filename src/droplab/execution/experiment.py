"""What the engine carries out: arms × seeds, whatever it is that they train."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch

from droplab.execution.executors import Opened, ProcessExecutor, RunSet
from droplab.execution.plan import Plan
from droplab.records import Notice, RunKey
from droplab.spec.arm import ArmSpec
from droplab.spec.tables import ComputeSpec


class Spec(Protocol):
    """Of the house's own loop, or of a guest's."""

    @property
    def arms(self) -> tuple[ArmSpec, ...]:
        """The first is the baseline, unless the spec names another."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """Shared by all arms."""

    @property
    def compute(self) -> ComputeSpec:
        """Where and how."""

    def canonical(self) -> dict[str, Any]:
        """As JSON-ready values, for the ledger."""

    def identity(self) -> str:
        """Hash of what makes it this experiment."""


def keys(spec: Spec) -> list[RunKey]:
    """Seed by seed, so that an interrupted experiment has whole pairs."""
    return [RunKey(arm.name, seed) for seed in spec.seeds for arm in spec.arms]


class Whole(NamedTuple):
    """A spec with what its folder has already."""

    spec: Spec
    seeds: list[int]
    """Those that are new."""
    arms: Sequence[Mapping[str, Any]]
    """Those that are new, as the ledger keeps them."""
    more: str
    """What the folder has beyond the spec, for the user; empty where it has not."""


class ChosenPlan(NamedTuple):
    """A plan and how it came about."""

    plan: Plan
    figures: dict[str, Any]
    """What was measured, for the ledger."""
    executor: ProcessExecutor | None = None
    """Workers that are running already, to be used and closed."""


class Experiment(Protocol):
    """One spec; ``House`` is of the house's own loop, ``Guest`` of a loop of the user's own."""

    @property
    def spec(self) -> Spec:
        """As it was asked for."""

    def folder(self) -> Path:
        """Where it is when nobody says where."""

    def is_same(self, design: Mapping[str, Any]) -> bool:
        """Whether a ledger's design is of this experiment; seeds and compute may differ."""

    def what_differs(self, before: Mapping[str, Any]) -> str:
        """From a ledger's spec of another experiment."""

    def whole(self, before: Mapping[str, Any]) -> Whole:
        """With the seeds and arms of a ledger's spec.

        Raises:
            UserError: they cannot be one.
        """

    def is_untouched(self, design: Mapping[str, Any]) -> bool:
        """Whether a finished set may be taken as it is, as far as that is known without loading anything."""

    def look(self, device: torch.device, say: Callable[[str], None]) -> None:
        """Find, load and check what runs need, before anything is written.

        Raises:
            UserError: it is not there, or does not fit.
        """

    # after ``look``

    @property
    def notices(self) -> Sequence[Notice]:
        """What was seen, for the reader of the results."""

    def changed(self, design: Mapping[str, Any], folder: Path) -> list[str]:
        """What of its code is another than a ledger's.

        Raises:
            DesignError: its data are others.
        """

    def fingerprints(self, design: Mapping[str, Any]) -> dict[str, Any]:
        """What ``changed`` will compare next time; parts of the design."""

    def choose(self, device: torch.device, say: Callable[[str], None]) -> ChosenPlan:
        """Executor, threads and precision, by what the spec says or by measuring."""

    def design(self) -> dict[str, Any]:
        """What the ledger keeps of it beside spec and plan."""

    def chosen(self, planned: ChosenPlan) -> Sequence[Notice]:
        """What of the plan the reader of the results should know."""

    def run_set(self, spec: Any, plan: Plan, runs: int) -> RunSet:
        """For executors; ``spec`` is a whole one, ``runs`` are all that the ledger has."""

    def cargo(self) -> Any:
        """Data that a cluster's nodes are sent, for ``RunSet.open``; ``None`` where runs load them."""

    def opened(self, run_set: Any) -> Opened:
        """Its run set in this process, where much may be loaded already."""

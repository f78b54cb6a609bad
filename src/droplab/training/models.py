"""The models of a run: weights drawn under the seed, then the arm applied, and all of them moved and keyed together."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from droplab.errors import SiteError, UserError
from droplab.nn import keyed, penalty
from droplab.schedules import for_sites
from droplab.spec.arm import ArmSpec
from droplab.surgery import calls_missing, match_sites, rates
from droplab.surgery.kinds import kinds
from droplab.training.arming import give_arm
from droplab.training.digests import weights_digest
from droplab.training.making import Make, check_name, made
from droplab.training.moving import MovingRates
from droplab.training.prepared import MAIN, Prepared
from droplab.training.ranks import Ranks, check_whole
from droplab.training.seeding import derive, seed_everything


class Models:
    """All models of one run.

    Args:
        arm: the run's.
        seed: the run's.
        device: where models are put.
        ranks: draw apart from each other what they draw after the weights.
    """

    def __init__(self, arm: ArmSpec, seed: int, device: torch.device, ranks: Ranks) -> None:
        self._arm, self._seed, self._device = arm, seed, device
        self._apart = f"/rank {ranks.rank}" if ranks.rank else ""
        self.by_name: dict[str, Prepared] = {}
        self._problems: dict[str, SiteError] = {}
        self._matched: set[str] = set()
        self._weights = hashlib.sha256()
        self._adopted = ""
        self.mask_seed = derive(seed, "masks")
        self.moves = any(inner.name != "constant" for _, inner in for_sites(arm.schedule))
        """Whether the arm has a schedule that moves ``p``."""
        self._given: set[str] = set()
        self.begun = False
        """Whether the run has begun to train."""

    @property
    def initial_weights(self) -> str:
        """Digest of all initial weights, before the arm."""
        return self._adopted or (self._weights.hexdigest()[:16] if self.by_name else "")

    def prepare(self, make: Make, name: str) -> nn.Module:
        """See ``Run.prepare``."""
        check_name(name, self.by_name)
        apart = "" if name == MAIN else f"/{name}"
        seed_everything(self._seed, f"weights{apart}")
        prepared = Prepared(made(make, name), name)
        self._weights.update(weights_digest(prepared.model).encode())
        seed_everything(self._seed, f"weights of the arm{apart}")
        return self._take(prepared)

    def adopt(self, model: nn.Module) -> nn.Module:
        """The only model, its weights drawn under the run's seed already; what the arm adds is drawn after them."""
        self._adopted = weights_digest(model)
        return self._take(Prepared(model, MAIN))

    def _take(self, prepared: Prepared) -> nn.Module:
        self._give(prepared, self._for(prepared.root))
        prepared.model.to(self._device)
        self.by_name[prepared.name] = prepared
        seed_everything(self._seed, f"masks{self._apart}")
        return prepared.model

    def _for(self, root: nn.Module) -> ArmSpec:
        """The arm without patterns of other models' sites; what no model has is said by ``check``."""
        arm, chosen = self._arm, kinds(self._arm.kind)
        types = tuple({adopted for _, kind in chosen for adopted in kind.adopts})
        tables = {
            "p": list(arm.p) if isinstance(arm.p, dict) else [],
            "kind": [pattern for pattern, _ in chosen if pattern is not None],
            "schedule": [pattern for pattern, _ in for_sites(arm.schedule) if pattern is not None],
        }
        update: dict[str, Any] = {}
        for field, patterns in tables.items():
            here = [pattern for pattern in patterns if self._matches(root, pattern, types)]
            if len(here) < len(patterns):
                table = getattr(arm, field)
                nothing: Any = {"p": {}, "kind": None, "schedule": "constant"}[field]
                update[field] = {pattern: table[pattern] for pattern in here} or nothing
        return arm.model_copy(update=update)

    def _matches(self, root: nn.Module, pattern: str, types: tuple[type[nn.Module], ...]) -> bool:
        try:
            match_sites(root, pattern, types)
        except SiteError as problem:
            self._problems[pattern] = problem
            return False
        self._matched.add(pattern)
        return True

    def _give(self, prepared: Prepared, arm: ArmSpec) -> None:
        one_rate = "one rate for all layers"
        try:
            change = give_arm(prepared.root, arm)
        except SiteError as problem:
            if isinstance(self._arm.p, dict):
                raise
            self._problems[one_rate] = problem
            give_arm(prepared.root, ArmSpec(name=arm.name, p={}))
            return
        self._matched.add(one_rate)
        self._given |= change.rates.keys()
        if change.rates:
            prepared.moving = MovingRates(prepared.root, arm.schedule, change.rates)

    def check(self) -> None:
        """See that all of the arm has found its sites.

        Raises:
            SiteError: a pattern matches nothing in any model.
        """
        for pattern, problem in self._problems.items():
            if pattern not in self._matched:
                raise problem

    def begin(self) -> None:
        """Before the first step; once.

        Raises:
            UserError: no model was prepared.
            SiteError: a pattern matches nothing in any model.
        """
        if self.begun:
            return
        if not self.by_name:
            raise UserError(
                "no model was prepared; the arm's dropout and the seed's weights come with run.prepare(MyNet)"
            )
        self.check()
        for prepared in self.by_name.values():
            check_whole(prepared.model)
            prepared.note_modes()
        self.begun = True

    def restore_modes(self) -> None:
        """As they were before the first step."""
        for prepared in self.by_name.values():
            prepared.restore_modes()

    @property
    def moving(self) -> list[MovingRates]:
        """Of the models that have something to move."""
        return [prepared.moving for prepared in self.by_name.values() if prepared.moving is not None]

    def keyed(self, step: int, samples: Tensor | None) -> list[keyed]:
        """A block for each model, not entered yet. Where samples have no names, each rank has masks of its own."""
        seed = self.mask_seed if samples is not None or not self._apart else derive(self._seed, f"masks{self._apart}")
        return [keyed(prepared.root, seed=seed, step=step, samples=samples) for prepared in self.by_name.values()]

    def calls_missing(self) -> list[str]:
        """Calls with rates of their own that the step that has just ended did not make."""
        return [site for prepared in self.by_name.values() for site in calls_missing(prepared.root)]

    def as_written(self) -> dict[str, float]:
        """Rates that an arm by sites leaves where the models' author put them; an arm of no sites says so by its name.

        Empty where there are none.
        """
        if not isinstance(self._arm.p, dict) or not self._arm.p:
            return {}
        found = {site: rate for prepared in self.by_name.values() for site, rate in rates(prepared.root).items()}
        return {site: rate for site, rate in found.items() if rate and site not in self._given}

    def penalty(self) -> Tensor | None:
        """Of all models together."""
        found = [penalty(prepared.root) for prepared in self.by_name.values() if prepared.penalised]
        terms = [term for term in found if term is not None]
        return sum(terms[1:], terms[0]) if terms else None

    def rates(self) -> dict[str, float]:
        """``p/SITE`` of all models."""
        return {f"p/{site}": rate for prepared in self.by_name.values() for site, rate in rates(prepared.root).items()}

    def after_epoch(self, figures: Mapping[str, float]) -> dict[str, float]:
        """Move adaptive rates; what their schedules read beside the figures.

        Raises:
            UserError: a schedule reads a figure that the loop does not report.
        """
        measured: dict[str, float] = {}
        for moving in self.moving:
            measured |= moving.measure()
            try:
                moving.after_epoch({**figures, **measured})
            except UserError as problem:
                raise UserError(
                    f"{problem}. The loop's figures are {', '.join(figures)}; gap is among them where it reports both "
                    "fit_… and val_… of the first measure"
                ) from None
        return measured

"""The models of a run: weights drawn under the seed, then the arm applied, and all of them moved and keyed together."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from droplab.errors import ModelError, SiteError, UserError, quote, words_of
from droplab.nn import keyed, penalty
from droplab.schedules import for_sites
from droplab.spec.experiment import ArmSpec
from droplab.surgery import match_sites, rates
from droplab.surgery.kinds import kinds
from droplab.training.arming import give_arm
from droplab.training.beside import restore_beside, state_beside
from droplab.training.digests import weights_digest
from droplab.training.moving import MovingRates
from droplab.training.seeding import derive, seed_everything
from droplab.userobjects import where_raised

MAIN = "model"
"""The name of a model that is given none. Sites of any other begin with its name: ``generator.drop1``."""
Make = Callable[[], nn.Module] | nn.Module


class Prepared:
    """One model with the arm's layers."""

    def __init__(self, model: nn.Module, name: str) -> None:
        self.root = model
        self.name = name
        if name != MAIN:
            self.root = nn.Module()
            self.root.add_module(name, model)
        self.moving: MovingRates | None = None
        self._modes: list[tuple[nn.Module, bool]] = []
        self.penalised = False

    @property
    def model(self) -> nn.Module:
        """What the loop trains."""
        return self.root if self.name == MAIN else self.root.get_submodule(self.name)

    def note_modes(self) -> None:
        """Remember which modules train and which evaluate, and whether a layer has a penalty."""
        self._modes = [(module, module.training) for module in self.model.modules()]
        with torch.no_grad():
            self.penalised = penalty(self.root) is not None

    def restore_modes(self) -> None:
        """As they were; a validation that leaves a model in eval mode would else end its dropout."""
        for module, training in self._modes:
            module.training = training

    def state(self) -> dict[str, Any]:
        """For checkpoints."""
        model = self.model
        return {
            "model": model.state_dict(),
            "beside": state_beside(model),
            "schedules": self.moving.state() if self.moving is not None else {},
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """The inverse."""
        self.model.load_state_dict(state["model"])
        restore_beside(self.model, state["beside"])
        if self.moving is not None:
            self.moving.load_state(state["schedules"])


class Models:
    """All models of one run.

    Args:
        arm: the run's.
        seed: the run's.
        device: where models are put.
    """

    def __init__(self, arm: ArmSpec, seed: int, device: torch.device) -> None:
        self._arm, self._seed, self._device = arm, seed, device
        self.by_name: dict[str, Prepared] = {}
        self._problems: dict[str, SiteError] = {}
        self._matched: set[str] = set()
        self._weights = hashlib.sha256()
        self.mask_seed = derive(seed, "masks")

    @property
    def initial_weights(self) -> str:
        """Digest of all initial weights, before the arm."""
        return self._weights.hexdigest()[:16] if self.by_name else ""

    def prepare(self, make: Make, name: str) -> nn.Module:
        """See ``Run.prepare``."""
        _check_name(name, self.by_name)
        apart = "" if name == MAIN else f"/{name}"
        seed_everything(self._seed, f"weights{apart}")
        prepared = Prepared(_made(make, name), name)
        self._weights.update(weights_digest(prepared.model).encode())
        seed_everything(self._seed, f"weights of the arm{apart}")
        arm = self._for(prepared.root)
        self._give(prepared, arm)
        prepared.model.to(self._device)
        self.by_name[name] = prepared
        seed_everything(self._seed, "masks")
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

    def ready(self) -> None:
        """Before the first step."""
        self.check()
        for prepared in self.by_name.values():
            prepared.note_modes()

    def restore_modes(self) -> None:
        """As they were before the first step."""
        for prepared in self.by_name.values():
            prepared.restore_modes()

    @property
    def moving(self) -> list[MovingRates]:
        """Of the models that have something to move."""
        return [prepared.moving for prepared in self.by_name.values() if prepared.moving is not None]

    def keyed(self, step: int, samples: Tensor | None) -> list[keyed]:
        """A block for each model, not entered yet."""
        return [
            keyed(prepared.root, seed=self.mask_seed, step=step, samples=samples) for prepared in self.by_name.values()
        ]

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


def _check_name(name: str, known: Mapping[str, Prepared]) -> None:
    if not isinstance(name, str) or not name.isidentifier():
        raise UserError(f"run.prepare got name={quote(name)}; a name such as 'generator' is wanted")
    if name in known:
        again = "give this one a name: run.prepare(…, name='teacher')" if name == MAIN else "take another name"
        raise UserError(f"run.prepare has a model called {name!r} already; {again}")


def _made(make: Make, name: str) -> nn.Module:
    if isinstance(make, nn.Module):
        return copy.deepcopy(make)
    if not callable(make):
        raise ModelError(
            f"run.prepare got {quote(make)}, a {type(make).__name__}; a function or class that builds the model, or a "
            "torch module, is wanted"
        )
    try:
        model = make()
    except UserError:
        raise
    except Exception as problem:
        raise ModelError(
            f"building the {name} raised {words_of(problem)} (at {where_raised(problem)}); run.prepare calls it "
            "without arguments: prepare(lambda: MyNet(width=64)) gives it some"
        ) from problem
    if not isinstance(model, nn.Module):
        raise ModelError(f"run.prepare called what it was given and got {quote(model)}; a torch module is wanted")
    return model

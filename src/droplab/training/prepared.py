"""One model of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from droplab.nn import penalty
from droplab.surgery.example import carry
from droplab.training.beside import restore_beside, state_beside
from droplab.training.moving import MovingRates

MAIN = "model"
"""The name of a model that is given none. Sites of any other begin with its name: ``generator.drop1``."""


class Prepared:
    """One model with the arm's layers."""

    def __init__(self, model: nn.Module, name: str) -> None:
        self.root = model
        self.name = name
        if name != MAIN:
            self.root = nn.Module()
            self.root.add_module(name, model)
            self.root.forward = model.forward  # a name in front, and nothing else
            carry(model, self.root)
        self.moving: MovingRates | None = None
        self._modes: list[tuple[nn.Module, bool]] = []
        self.penalised = False

    @property
    def prefix(self) -> str:
        """What its sites' names begin with."""
        return "" if self.name == MAIN else f"{self.name}."

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

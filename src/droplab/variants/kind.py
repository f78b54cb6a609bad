"""What a row of the catalog says."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from torch.nn import Module

from droplab.layers.layer import DropLayer
from droplab.variants.options import Limit

MASKED = "y = x m / (1 - p), m = 0 with probability p, else 1"
"""The equation of all that drops and scales."""
IN_TRAINING = "scaled in training, not at test time"
"""The deviation of all that scales in training."""
_GIVEN = frozenset({"self", "p", "module", "inplace"})
"""Parameters that come from elsewhere or make no difference to results."""
_COLLECT = frozenset({inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD})
"""Parameters that swallow any name, and so any slip."""


@dataclass(frozen=True)
class Kind:
    """A row of the catalog."""

    name: str
    """In specs: ``kind = "dropout2d"``."""
    layer: Callable[..., DropLayer]
    """The class."""
    paper: str
    """First author or authors, title, place and year."""
    equation: str
    """The output in training."""
    shares: str
    """What one draw decides about."""
    _: KW_ONLY
    eval_law: str = "identity"
    """The output in eval mode."""
    deviations: str = ""
    """From the paper."""
    has_parameters: bool = False
    """Whether its layers have some."""
    in_arms: bool = True
    """Whether an experiment's arm can put it at a site by name, with ``p`` and keyword arguments alone."""
    limits: tuple[Limit, ...] = ()
    """What values its options may have, where not all of their default's type; the class asks them too."""
    example: str = ""
    """Python that makes one, where the class called with ``p`` alone is none."""
    picture: bool = True
    """Whether the output for ones, of any size, shows the mask."""
    model: str = "tutorial-cnn"
    """That of the arm which people are shown: one of droplab's, or of ``arm_shown``."""
    site: str = ""
    """Where that arm has it; ``fc1:in`` or, of a kind with weights, ``fc1`` by default."""

    @property
    def adopts(self) -> tuple[type[Module], ...]:
        """Layers with weights that it takes the place of, its class's twins; none where it acts on activations."""
        twin: Any = getattr(self.layer, "twin", ())
        return twin if isinstance(twin, tuple) else (twin,)

    @property
    def options(self) -> Mapping[str, Any]:
        """What an arm may give beside ``p``, with the defaults."""
        row: Any = self
        taken = inspect.signature(row.layer.equip if row.adopts else row.layer).parameters
        return {
            name: parameter.default
            for name, parameter in taken.items()
            if name not in _GIVEN and parameter.kind not in _COLLECT
        }

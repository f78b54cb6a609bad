"""What a row of the catalog says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

from torch.nn import Module

from droplab.layers.layer import DropLayer

MASKED = "y = x m / (1 - p), m = 0 with probability p, else 1"
"""The equation of all that drops and scales."""
IN_TRAINING = "scaled in training, not at test time"
"""The deviation of all that scales in training."""


@dataclass(frozen=True)
class Kind:
    """A row of the catalog."""

    name: str
    """In specs: ``layer = "dropout2d"``."""
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
    adopts: tuple[type[Module], ...] = ()
    """Layers with weights that it takes the place of; the class then has ``adopt(module, p, **options)``, which
    keeps the module's parameters and their ``state_dict`` keys. None: it acts on activations."""
    example: str = ""
    """Python that makes one, where the class called with ``p`` alone is none."""
    picture: bool = True
    """Whether the output for ones, of any size, shows the mask."""

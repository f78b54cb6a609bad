"""Optimiser, learning-rate schedule and max-norm of a recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from droplab.errors import SpecError, UserError, quote_text
from droplab.layers.learned import rate_parameters
from droplab.spec.optimisers import name_and_options, takes
from droplab.spec.tables import RecipeSpec
from droplab.userobjects import resolve, where_raised

FADED = 1e-34
FORGET_EVERY = 50
"""Steps between two clearings: a moment that halves in 7 steps (β = 0.9) falls from ``FADED`` to 5e-37 in these."""

_CLASSES: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}


def make_optimizer(model: nn.Module, recipe: RecipeSpec) -> torch.optim.Optimizer:
    """The recipe's optimiser over all parameters; those of ``_CLASSES`` fused where every parameter allows it.

    What layers learn their rates by has no weight decay.

    Raises:
        SpecError: the user's own does not give one that fits the recipe.
    """
    name, own = name_and_options(recipe.optimizer)
    parameters = [p for p in model.parameters() if p.requires_grad]
    rates = {id(p) for p in rate_parameters(model)} if recipe.weight_decay else set()
    groups: list[dict[str, Any]] = [{"params": [p for p in parameters if id(p) not in rates]}]
    if rates:
        groups.append({"params": [p for p in parameters if id(p) in rates], "weight_decay": 0.0})
    if name not in _CLASSES:
        return _users(name, own, groups, recipe)
    fused = bool(parameters) and all(p.is_floating_point() and p.device.type in {"cpu", "cuda"} for p in parameters)
    options: dict[str, Any] = {"lr": recipe.lr, "weight_decay": recipe.weight_decay, "fused": fused, **own}
    if name == "sgd":
        options["momentum"] = recipe.momentum
    return _CLASSES[name](groups, **options)


def _users(
    name: str, own: Mapping[str, Any], groups: list[dict[str, Any]], recipe: RecipeSpec
) -> torch.optim.Optimizer:
    function = resolve(name, "optimizer", UserError)
    options = {"lr": recipe.lr, **own}
    if takes(function, "weight_decay"):
        options["weight_decay"] = recipe.weight_decay
    elif recipe.weight_decay:
        raise SpecError([f"recipe.weight_decay: got {recipe.weight_decay}, and the optimizer {name!r} takes none"])
    try:
        made = function(groups, **options)
    except Exception as problem:
        said = f"{type(problem).__name__}: {quote_text(problem)}"
        raise SpecError([f"recipe.optimizer: {name!r} raised {said} (at {where_raised(problem)})"]) from problem
    if not isinstance(made, torch.optim.Optimizer) or not all("lr" in group for group in made.param_groups):
        wanted = "a torch.optim.Optimizer, each of whose groups has an `lr`, is wanted"
        raise SpecError([f"recipe.optimizer: {name!r} gave a {type(made).__name__}; {wanted}"])
    return made


def lr_factor(schedule: str, step: int, steps: int) -> float:
    """Learning rate at ``step`` of ``steps`` as a multiple of the recipe's, in [0, 1].

    ``constant`` is 1. ``cosine`` is ``(1 + cos(π step / steps)) / 2``: 1 at step 0, and 0 would come right
    after the last step. ``step`` is 1, then 0.1 from ``steps / 2``, then 0.01 from ``3 steps / 4``.

    >>> [lr_factor("step", s, 8) for s in (0, 3, 4, 6)]
    [1.0, 1.0, 0.1, 0.01]
    >>> lr_factor("cosine", 0, 10), round(lr_factor("cosine", 5, 10), 6)
    (1.0, 0.5)
    """
    if schedule == "cosine":
        return (1 + math.cos(math.pi * step / steps)) / 2
    if schedule == "step":
        return 1.0 if 2 * step < steps else 0.1 if 4 * step < 3 * steps else 0.01
    return 1.0


@torch.no_grad()
def apply_max_norm(model: nn.Module, bound: float) -> None:
    """Scale each unit's incoming weights down to an L2 norm of at most ``bound``.

    A unit is an output of a weight with two or more dimensions: ``w <- w min(1, bound / ||w||)``.
    Srivastava et al. 2014, section 5.1 (max-norm regularisation). Biases are left alone, as there, and so are what
    layers learn their rates by and parameters that are frozen: a mask of ``-inf`` would become NaN.
    """
    rates = {id(parameter) for parameter in rate_parameters(model)}
    for parameter in model.parameters():
        if parameter.requires_grad and parameter.ndim >= 2 and id(parameter) not in rates:
            norms = parameter.flatten(1).norm(dim=1).clamp_min(torch.finfo(parameter.dtype).tiny)
            scale = (bound / norms).clamp_max(1.0)
            parameter.mul_(scale.view(-1, *[1] * (parameter.ndim - 1)))


@torch.no_grad()
def forget_faded(optimizer: torch.optim.Optimizer) -> None:
    """Set moments smaller than 1e-34 to zero, before they become subnormal numbers.

    Where a unit is dead its gradient is exactly zero, and its first moment halves every 7 steps: after some 750
    steps it is below 1.2e-38, where a CPU computes many times slower. Of the tutorial's network that is a third of all
    weights, for the rest of the training. The weights stay the same to the bit: Adam would move one by at most
    ``lr · 1e-34 / 1e-8``, and next to ``eps = 1e-8`` a root of ``1e-34`` is nothing. What another optimiser does with
    small numbers is not known here: its state is left alone.

    >>> weight = torch.nn.Parameter(torch.ones(2))
    >>> optimizer = torch.optim.SGD([weight], momentum=0.9)
    >>> optimizer.state[weight]["momentum_buffer"] = torch.tensor([1e-39, 1e-20])
    >>> forget_faded(optimizer)
    >>> optimizer.state[weight]["momentum_buffer"].tolist()[0]
    0.0
    """
    if type(optimizer) not in _CLASSES.values():
        return
    for state in optimizer.state.values():
        for value in state.values():
            if isinstance(value, Tensor) and value.ndim and value.is_floating_point():
                value.masked_fill_(value.abs() < FADED, 0.0)

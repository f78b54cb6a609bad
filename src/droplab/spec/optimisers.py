"""Which optimiser a recipe names: one of torch's three, or the user's own, with options. The three load no torch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from droplab.errors import SpecError, UserError, quote, suggest
from droplab.given import name_of
from droplab.spec.values import json_ready
from droplab.userobjects import is_object, resolve

NAMES: Mapping[str, str] = {
    "adam": "torch.optim.adam:Adam",
    "adamw": "torch.optim.adamw:AdamW",
    "sgd": "torch.optim.sgd:SGD",
}
"""Where the optimisers are that have a name here."""
_OF_THE_RECIPE = {"lr": "recipe.lr", "weight_decay": "recipe.weight_decay", "params": "the model", "fused": "droplab"}


def normal_form(value: Any) -> Any:
    """A recipe's ``optimizer``: its name where it has no options, else a table with ``name`` and options.

    Raises:
        ValueError: an unknown name.
        SpecError: the user's own cannot be had or does not fit, or options that it does not take.

    >>> normal_form({"name": "adam"}), normal_form("torch.optim:Adam"), normal_form("torch.optim:RMSprop")
    ('adam', 'adam', 'torch.optim:RMSprop')
    """
    table = value if isinstance(value, Mapping) and "name" in value else {"name": value}
    name = table["name"]
    if not isinstance(name, str) and callable(name):
        name = name_of(name)
    options = {str(key): item for key, item in table.items() if key != "name"}
    if not isinstance(name, str) or not (name in NAMES or is_object(name)):
        known = ", ".join(NAMES)
        raise ValueError(f"got {quote(name)}; known: {known}, or pkg.module:Class{suggest(str(name), NAMES)}")
    if name in NAMES and not options:
        return name
    name, problems = _checked(name, options)
    if problems:
        raise SpecError(problems, "the optimizer")
    return {"name": name, **json_ready(options)} if options else name


def name_and_options(optimizer: Any) -> tuple[str, dict[str, Any]]:
    """Of a normal form.

    >>> name_and_options("adam"), name_and_options({"name": "adam", "eps": 1e-6})
    (('adam', {}), ('adam', {'eps': 1e-06}))
    """
    if isinstance(optimizer, str):
        return optimizer, {}
    return optimizer["name"], {key: item for key, item in optimizer.items() if key != "name"}


def takes(found: Callable[..., Any], option: str) -> bool:
    """Whether a class or function has an argument."""
    return option in inspect.signature(found).parameters


def _checked(name: str, options: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The name, droplab's where there is one, and all that is wrong."""
    try:
        found = resolve(NAMES.get(name, name), "optimizer", UserError)
        known = [key for key in inspect.signature(found).parameters if key not in _OF_THE_RECIPE]
    except (UserError, ValueError, TypeError) as problem:  # what is not written in Python may have no signature
        return name, [f"name: {problem}"]
    home = f"{found.__module__}:{found.__qualname__}" if isinstance(found, type) else ""
    name = next((short for short, address in NAMES.items() if address == home), name)
    if why := _unfit(found):
        return name, [f"name: optimizer {name!r} {why}"]
    own = {**_OF_THE_RECIPE, "momentum": "recipe.momentum"} if name == "sgd" else _OF_THE_RECIPE
    problems = [f"{key}: is given by {own[key]}, the same for every optimizer" for key in options if key in own]
    problems += [
        f"{key}: {name} has no such option{suggest(key, known)} (it has {', '.join(known) or 'none'})"
        for key in options
        if key not in own and key not in known
    ]
    return name, problems


def _unfit(found: Any) -> str:
    from torch.optim import Optimizer

    if isinstance(found, type) and not issubclass(found, Optimizer):
        return f"is the class {found.__name__}; one derived from torch.optim.Optimizer is wanted, or a function"
    if not takes(found, "lr"):
        return "takes no `lr`, the learning rate, which the recipe's schedule moves"
    step = inspect.signature(found.step).parameters if isinstance(found, type) else {}  # type: ignore[attr-defined]  # an Optimizer
    if "closure" in step and step["closure"].default is inspect.Parameter.empty:
        return "takes several evaluations for a step (a closure); droplab's loop makes one"
    return ""

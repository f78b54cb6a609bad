"""One walk through a model that sees all of its sites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn
from torch.nn.utils import parametrize

from droplab.layers.doorway import doorways
from droplab.layers.layer import DropLayer
from droplab.layers.serving import functions
from droplab.layers.unreached import drops_by_number, keyed_number
from droplab.surgery.holders import FunctionRate, OwnRate, calls_with_rates, is_dropout
from droplab.surgery.site import NOISE, Site

Place = tuple[int, int]


def view(model: nn.Module) -> list[Site]:
    """Every site, in the order of the model's modules; of calls those that have rates of their own.

    Depth is that order too: the order of the forward pass in any model that is written top to bottom. A doorway ``in``
    is before its module, ``out`` after all that is inside it.

    >>> [(site.name, site.depth) for site in view(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)))]
    [('0:in', 0), ('0:out', 1), ('1', 2)]
    """
    return ranked(model, list(_walk(model)))


def ranked(model: nn.Module, found: list[Site]) -> list[Site]:
    """Sites with their depth among these."""
    places = Places(model)
    ordered = sorted(range(len(found)), key=lambda number: places.of(found[number].name))
    depth = {number: rank for rank, number in enumerate(ordered)}
    return [site._replace(depth=depth[number]) for number, site in enumerate(found)]


def _walk(model: nn.Module) -> Iterator[Site]:
    closed = closed_doorways(model)
    for name, module in model.named_modules():
        if is_dropout(module):
            yield Site(name, module, layer=module, level=_level(module))
            for call, rate in calls_with_rates(module).items():
                yield Site(f"{name}#{call}", module, call, layer=rate, level=_level(module))
        if drops_by_number(module):
            level = "keyed" if keyed_number(module) else "seen only"
            yield Site(f"{name}.dropout".lstrip("."), module, layer=OwnRate(module), level=level)
        yield from _served(name, module)
        there = doorways(module)
        for door in ("in", "out"):
            site = f"{name}:{door}"
            if door in there:
                layer = there[door].layer
                yield Site(site, module, door=door, layer=layer, level=_level(layer))
            elif name and _has_parameters(module) and site not in closed:
                yield Site(site, module, door=door)


def _served(name: str, module: nn.Module) -> Iterator[Site]:
    """What a module calls and droplab serves, beside layers and numbers."""
    for door, function in functions(module).items():
        if door == NOISE and not is_dropout(module):
            yield Site(f"{name}:{door}", module, door=door, level="seeded")
        elif door != NOISE and not drops_by_number(module):
            yield Site(f"{name}:{door}", module, door=door, layer=FunctionRate(module, function), level="keyed")


def _level(layer: nn.Module) -> str:
    if isinstance(layer, DropLayer):
        return "keyed"
    return "seeded" if NOISE in functions(layer) else "seen only"


def _has_parameters(module: nn.Module) -> bool:
    return any(True for _ in module.parameters(recurse=False)) or parametrize.is_parametrized(module)


def everywhere(model: nn.Module) -> dict[str, Any]:
    """What drops by site: dropout layers and their calls first, then numbers, then open doorways."""
    found = [site for site in view(model) if site.layer is not None]
    kinds = (
        [site for site in found if not site.door and not isinstance(site.layer, OwnRate)],
        [site for site in found if isinstance(site.layer, OwnRate)],
        [site for site in found if site.door],
    )
    return {site.name: site.layer for kind in kinds for site in kind}


def closed_doorways(model: nn.Module) -> dict[str, str]:
    """Doorways where dropout would never act or could not, and why.

    >>> list(closed_doorways(nn.Sequential(nn.MultiheadAttention(4, 2))))
    ['0.out_proj:in', '0.out_proj:out']
    """
    found: dict[str, str] = {}
    for name, module in model.named_modules():
        both = (f"{name}:in", f"{name}:out")
        inside = f"{name}.".lstrip(".")
        if isinstance(module, nn.MultiheadAttention):
            why = "attention reads its weights and never calls it, so nothing would be dropped"
            found.update(dict.fromkeys((f"{inside}out_proj:in", f"{inside}out_proj:out"), f"{why}; use {name}:out"))
        if isinstance(module, (nn.ParameterList, nn.ParameterDict)):
            found.update(dict.fromkeys(both, "it only holds parameters and is never called"))
        if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
            found[f"{name}:in"] = f"its input is whole numbers, which cannot be scaled; use {name}:out"
        if isinstance(module, nn.LSTMCell):
            found[f"{name}:out"] = "it gives a hidden state and a cell state, and it is not clear which is meant"
        if parametrize.is_parametrized(module):
            computes = [
                f"{inside}parametrizations.{part}" for part, _ in module.parametrizations.named_modules() if part
            ]
            why = "it computes a weight, from no input"
            found.update({f"{part}:{door}": why for part in computes for door in ("in", "out")})
    return found


class Places:
    """Where sites are in the order of a model's modules."""

    def __init__(self, model: nn.Module) -> None:
        names = [name for name, _ in model.named_modules()]
        self._number = {name: number for number, name in enumerate(names)}
        self._last = dict(self._number)
        for name, number in self._number.items():
            parts = name.split(".")
            for length in range(len(parts)):
                around = ".".join(parts[:length])
                self._last[around] = max(self._last[around], number)

    def of(self, site: str) -> Place:
        """A doorway ``in`` is before its module, ``out`` after all that is inside it."""
        name, _, door = site.partition(":")
        if name not in self._number:  # a call, or a number of the module's
            name, hash_, _ = name.rpartition("#")
            name = name if hash_ else site.removesuffix("dropout").rstrip(".")
        if door == "out":
            return self._last[name], 2
        return self._number[name], 0 if door == "in" else 1

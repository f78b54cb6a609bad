"""Give one call of a layer a rate of its own, and what a module drops by a function another one."""

from __future__ import annotations

from torch import nn

from droplab.errors import SiteError
from droplab.layers.by_call import calls_seen, set_call_rate, unwatch, watch
from droplab.layers.layer import DropLayer
from droplab.layers.serving import functions
from droplab.surgery.example import seen
from droplab.surgery.functional import serve
from droplab.surgery.holders import CallRate, FunctionRate, calls_with_rates
from droplab.surgery.swapping import swap
from droplab.surgery.twins import TWINS, twin
from droplab.surgery.undoing import Undo, bodies, remembered


def give_call(model: nn.Module, site: str, rate: float | None) -> Undo:
    """A rate of its own for a call, or none; torch's layer, which cannot have it, gives way to droplab's."""
    name, _, call = site.rpartition("#")
    layer = model.get_submodule(name)
    before: Undo | None = None
    if not isinstance(layer, DropLayer):
        if type(layer) not in TWINS:
            raise SiteError(
                f"{site} wants a rate of its own, and {name} is a {type(layer).__name__}, a subclass of a layer of "
                "torch's, which has one. Derive it from droplab.nn.Dropout"
            )
        new = twin(layer)
        before, layer = swap(model, layer, new), new
    holder = CallRate(layer, int(call))
    was = holder.own
    holder.p = rate
    _watched(model, name, layer)

    def restore() -> None:
        for body in bodies(layer):
            if isinstance(body, DropLayer):
                set_call_rate(body, holder.call, was)
        _watched(model, name, layer)

    back = remembered(layer, ("call", holder.call), restore)

    def undo() -> None:
        back()
        if before is not None:
            before()

    return undo


def _watched(model: nn.Module, name: str, layer: nn.Module) -> None:
    (watch if calls_with_rates(bodies(layer)[-1]) else unwatch)(model, name)


def give_function(model: nn.Module, name: str, door: str, rate: float) -> Undo:
    """A rate for what a module drops by a function, which is then under keys."""
    module, flow = model.get_submodule(name), seen(model)
    before = serve(module, door, rate, flow is not None and name not in flow.otherwise)
    after = function_rate(FunctionRate(module, functions(module)[door]), rate)

    def undo() -> None:
        after()
        before()

    return undo


def function_rate(holder: FunctionRate, rate: float) -> Undo:
    """The same where it is under keys already."""
    was, given = holder.p, holder.function.given
    holder.p = rate

    def restore() -> None:
        holder.p = was
        holder.function.given = given

    return remembered(holder.function, "p", restore)


def calls_missing(model: nn.Module) -> dict[str, int]:
    """Calls with rates of their own that the last forward pass in a ``keyed`` block did not make; how many it made.

    >>> import torch, droplab
    >>> model = nn.Sequential(droplab.nn.Dropout(0.5))
    >>> change = droplab.apply_rates(model, {"0#2": 0.1})
    >>> with droplab.keyed(model, seed=0):
    ...     y = model(torch.ones(2))
    >>> calls_missing(model)
    {'0#2': 1}
    """
    found: dict[str, int] = {}
    for name, module in model.named_modules():
        for call, rate in calls_with_rates(module).items():
            calls = calls_seen(rate.module)
            if call > calls:
                found[f"{name}#{call}"] = calls
    return found

"""Put droplab's layers in the place of torch's, in any model, and take them back out."""

from __future__ import annotations

import warnings
from typing import Any

from torch import nn

from droplab import nn as own
from droplab.layers.doorway import doorways
from droplab.layers.unreached import TORCHS
from droplab.surgery.example import refuse_others, remember, seen
from droplab.surgery.functional import serve
from droplab.surgery.holders import is_dropout, own_rates
from droplab.surgery.seeded import can_be_seeded
from droplab.surgery.site import NOISE
from droplab.surgery.swapping import at_doorway, swap
from droplab.surgery.twins import TWINS, has_twin, twin
from droplab.surgery.undoing import Change, Undo
from droplab.surgery.view import everywhere


def replace(model: nn.Module, *inputs: Any, **named: Any) -> Change:
    """Swap every dropout layer of torch's in ``model`` for droplab's, in place.

    Also layers that are known to drop whole paths: timm's and transformers' ``DropPath``, torchvision's
    ``StochasticDepth``.

    Rates, modes, ``state_dict`` keys, names and all that is attached to a layer (hooks, buffers, attributes) stay, and
    come back with ``undo()``. A layer that the model uses in several places stays one
    layer. Dropout that a model calls as a function (``torch.nn.functional.dropout``, the ``dropout_p`` of scaled dot
    product attention) is not a layer: it stays as it is, unless it is told what the model is called with.

    Args:
        model: changed in place.
        inputs: what the model is called with. A forward pass then finds what drops by a function, and the modules that
            call it get keys for it: a step is a function of its key there too. Rates stay those that the model gives.
            ``nn.MultiheadAttention`` and stacked recurrent layers get keys for their numbers. What draws in any other
            way is seeded: torch's generators are set from the key around the module, and put back.
        named: what it is called with by name.

    Returns:
        The change: the drop rate at each place that was changed, and ``undo()``.

    Raises:
        ModelError: it is no torch module, or raises on what it is called with.

    Warns:
        UserWarning: the model has no dropout layer of torch's (nor one of droplab's already); or it has subclasses of
            these, which are left as they are.

    >>> model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.3))
    >>> change = replace(model)
    >>> change.rates, type(model[1]).__module__
    ({'1': 0.3}, 'droplab.variants.dropout')
    >>> change.undo(); type(model[1]) is nn.Dropout
    True
    """
    refuse_others(model, "replace")
    change = Change({})
    left: dict[str, str] = {}
    done: set[nn.Module] = set()
    for name, module in list(model.named_modules(remove_duplicate=False)):
        if has_twin(module) and name:
            new = twin(module)
            change.rates[name] = _rate(new)
            if module not in done:
                done.add(module)
                change._undo.append(swap(model, module, new))
        elif isinstance(module, TORCHS) and not isinstance(module, own.DropLayer) and name:
            left[name] = type(module).__name__
        for door, doorway in doorways(module).items():
            if type(doorway.layer) in TWINS:
                change.rates[f"{name}:{door}"] = _rate(doorway.layer)
                change._undo.append(at_doorway(module, doorway.door, twin(doorway.layer)))
    if inputs or named:
        remember(model, inputs, named)
        change._undo += _functions(model, change)
    change.was.update(change.rates)
    _warn(model, change, left)
    return change


def _functions(model: nn.Module, change: Change) -> list[Undo]:
    flow, undo = seen(model), list[Undo]()
    if flow is None:
        return undo
    numbers = own_rates(model)
    for (name, door), (p, _) in flow.functions.items():
        site = f"{name}.dropout".lstrip(".")
        change.rates[site if site in numbers else f"{name}:{door}"] = p
        undo.append(serve(model.get_submodule(name), door, p, name not in flow.otherwise))
    for name, seedable in flow.drew.items():
        module = model.get_submodule(name)
        if seedable and can_be_seeded(module):
            undo.append(serve(module, NOISE, 0.0, name not in flow.otherwise))
            change.seeded += (name if is_dropout(module) else f"{name}:{NOISE}",)
    return undo


def _rate(layer: Any) -> float:
    return float(layer.p)


def _warn(model: nn.Module, change: Change, left: dict[str, str]) -> None:
    kind = type(model).__name__
    if type(model) in TWINS:
        warnings.warn(
            f"the model itself is a {kind}, which cannot be replaced within itself; use droplab.nn.{kind} in its place",
            stacklevel=3,
        )
    elif left:
        named = ", ".join(f"{name} ({kind})" for name, kind in left.items())
        warnings.warn(
            f"droplab.replace left {named} as it was: a subclass of a layer of torch's may do something else than its "
            "parent, which would be lost. Put droplab's layer there yourself, or derive yours from droplab.nn.Dropout",
            stacklevel=3,
        )
    elif not change.rates and not change.seeded and not any(map(is_dropout, everywhere(model).values())):
        warnings.warn(
            f"droplab.replace found no dropout layer in {kind}; dropout that is called as a function "
            "cannot be replaced. To add layers: droplab.apply_rates(model, {'NAME:out': p})",
            stacklevel=3,
        )

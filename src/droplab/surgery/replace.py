"""Put droplab's layers in the place of torch's, in any model, and take them back out."""

from __future__ import annotations

import warnings
from typing import Any

from torch import nn

from droplab import nn as own
from droplab.layers.doorway import doorways
from droplab.layers.unreached import TORCHS
from droplab.surgery.holders import is_dropout
from droplab.surgery.swapping import at_doorway, swap
from droplab.surgery.twins import TWINS, twin
from droplab.surgery.undoing import Change
from droplab.surgery.view import everywhere


def replace(model: nn.Module) -> Change:
    """Swap every dropout layer of torch's in ``model`` for droplab's, in place.

    Rates, modes, ``state_dict`` keys, names and all that is attached to a layer (hooks, buffers, attributes) stay, and
    come back with ``undo()``. A layer that the model uses in several places stays one
    layer. Dropout that a model calls as a function (``torch.nn.functional.dropout``, the ``dropout_p`` of scaled dot
    product attention) is not a layer and stays as it is.

    Returns:
        The change: the drop rate at each place that was changed, and ``undo()``.

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
    change = Change({})
    left: dict[str, str] = {}
    done: set[nn.Module] = set()
    for name, module in list(model.named_modules(remove_duplicate=False)):
        if type(module) in TWINS and name:
            change.rates[name] = _rate(module)
            if module not in done:
                done.add(module)
                change._undo.append(swap(model, module, twin(module)))
        elif isinstance(module, TORCHS) and not isinstance(module, own.DropLayer) and name:
            left[name] = type(module).__name__
        for door, doorway in doorways(module).items():
            if type(doorway.layer) in TWINS:
                change.rates[f"{name}:{door}"] = _rate(doorway.layer)
                change._undo.append(at_doorway(module, doorway.door, twin(doorway.layer)))
    change.was.update(change.rates)
    _warn(model, change, left)
    return change


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
    elif not change.rates and not any(is_dropout(layer) for layer in everywhere(model).values()):
        warnings.warn(
            f"droplab.replace found no dropout layer in {kind}; dropout that is called as a function "
            "cannot be replaced. To add layers: droplab.apply_rates(model, {'NAME:out': p})",
            stacklevel=3,
        )

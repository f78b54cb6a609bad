"""Put droplab's layers in the place of torch's, in any model, and take them back out."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from torch import nn

from droplab import nn as own
from droplab.nn.keyed import DOORWAYS
from droplab.surgery.rates import Change, rates

TWINS: Mapping[type[nn.Module], type[own.DropLayer]] = {
    nn.Dropout: own.Dropout,
    nn.Dropout1d: own.Dropout1d,
    nn.Dropout2d: own.Dropout2d,
    nn.Dropout3d: own.Dropout3d,
    nn.AlphaDropout: own.AlphaDropout,
    nn.FeatureAlphaDropout: own.FeatureAlphaDropout,
}
"""Each of torch's dropout layers and droplab's of the same name. Subclasses of users are left alone."""


def twin(layer: nn.Module) -> own.DropLayer:
    """The layer of droplab's for one of torch's: same ``p``, ``inplace``, mode, and hooks."""
    new = TWINS[type(layer)](p=layer.p, inplace=layer.inplace)
    new.train(layer.training)
    kept: dict[str, Any] = {
        name: value
        for name, value in layer.__dict__.items()
        if name.endswith(("_hooks", "_hooks_with_kwargs", "_hooks_always_called"))
    }
    new.__dict__.update(kept)
    return new


def replace(model: nn.Module) -> Change:
    """Swap every dropout layer of torch's in ``model`` for droplab's, in place.

    Rates, modes, hooks, ``state_dict`` keys and names stay. A layer that the model uses in several places stays one
    layer. Dropout that a model calls as a function (``torch.nn.functional.dropout``, the ``dropout_p`` of scaled dot
    product attention) is not a layer and stays as it is.

    Returns:
        The change: the drop rate at each place that was changed, and ``undo()``.

    Warns:
        UserWarning: the model has no dropout layer of torch's (nor one of droplab's already).

    >>> model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.3))
    >>> change = replace(model)
    >>> change.rates, type(model[1]).__module__
    ({'1': 0.3}, 'droplab.nn._dropout')
    >>> change.undo(); type(model[1]) is nn.Dropout
    True
    """
    change = Change({})
    twins: dict[int, own.DropLayer] = {}
    for path, module in list(model.named_modules(remove_duplicate=False)):
        for name, child in list(module._modules.items()):
            if child is not None and type(child) in TWINS:
                new = twins.setdefault(id(child), twin(child))
                _swap(module._modules, name, child, new, change)
                change.rates[f"{path}.{name}".lstrip(".")] = float(child.p)
        doors: dict[str, nn.Module] = module.__dict__.get(DOORWAYS, {})
        for door, layer in list(doors.items()):
            if type(layer) in TWINS:
                _swap(doors, door, layer, twins.setdefault(id(layer), twin(layer)), change)
                change.rates[f"{path}:{door}"] = float(layer.p)  # type: ignore[arg-type]  # a dropout layer's
    if type(model) in TWINS:
        warnings.warn(
            f"the model itself is a {type(model).__name__}, which cannot be replaced within itself; "
            f"use droplab.nn.{type(model).__name__} in its place",
            stacklevel=2,
        )
    elif not change.rates and not rates(model):
        warnings.warn(
            f"droplab.replace found no dropout layer in {type(model).__name__}; dropout that is called as a function "
            "cannot be replaced. To add layers: droplab.apply_rates(model, {'NAME:out': p})",
            stacklevel=2,
        )
    return change


def _swap(place: dict[str, Any], name: str, old: nn.Module, new: nn.Module, change: Change) -> None:
    if place[name] is new:
        return
    place[name] = new

    def undo() -> None:
        old.train(new.training)
        place[name] = old

    change._undo.append(undo)

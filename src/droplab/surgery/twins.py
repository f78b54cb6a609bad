"""Layers of torch's and of other libraries, and the layer of droplab's that does what each does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from droplab import nn as own
from droplab.surgery.swapping import inherit

TWINS: Mapping[type[nn.Module], type[own.DropLayer]] = {
    nn.Dropout: own.Dropout,
    nn.Dropout1d: own.Dropout1d,
    nn.Dropout2d: own.Dropout2d,
    nn.Dropout3d: own.Dropout3d,
    nn.AlphaDropout: own.AlphaDropout,
    nn.FeatureAlphaDropout: own.FeatureAlphaDropout,
}
"""Each of torch's dropout layers and droplab's of the same name. Subclasses of users are left alone."""


_LIBRARIES = ("timm.", "torchvision.", "transformers.")


def has_twin(layer: nn.Module) -> bool:
    """Whether a layer is one of torch's, or is known to drop whole paths: timm's, torchvision's, transformers'.

    The latter are told by their names, their libraries' and their attributes; none of these is imported.

    >>> has_twin(nn.Dropout(0.1)), has_twin(nn.Linear(1, 1))
    (True, False)
    """
    return type(layer) in TWINS or _path(layer) is not None


def twin(layer: Any) -> own.DropLayer:
    """The layer of droplab's for one of those: same rate and options, mode, and all that is attached to it."""
    path = _path(layer)
    new = TWINS[type(layer)](p=layer.p, inplace=layer.inplace) if path is None else own.DropPath(*path)
    inherit(new, layer)
    return new


def _path(layer: Any) -> tuple[float, str] | None:
    """Rate and mode of a layer that drops whole paths; ``None`` of any other."""
    kind = type(layer)
    if not kind.__module__.startswith(_LIBRARIES):
        return None
    if kind.__name__.endswith("DropPath") and getattr(layer, "scale_by_keep", True) is True:
        rate = getattr(layer, "drop_prob", "")
        return (float(rate or 0.0), "row") if rate is None or isinstance(rate, (int, float)) else None
    if kind.__name__ == "StochasticDepth" and isinstance(layer.p, float):
        return layer.p, layer.mode
    return None

"""Each of torch's dropout layers and droplab's of the same name."""

from __future__ import annotations

from collections.abc import Mapping

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


def twin(layer: nn.Module) -> own.DropLayer:
    """The layer of droplab's for one of torch's: same ``p``, ``inplace``, mode, and all that is attached to it."""
    new = TWINS[type(layer)](p=layer.p, inplace=layer.inplace)
    inherit(new, layer)
    return new

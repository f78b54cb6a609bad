"""Layers that drop. Same names, arguments and behaviour as torch's; one variant per file."""

from droplab.nn._alpha import AlphaDropout, FeatureAlphaDropout
from droplab.nn._channels import Dropout1d, Dropout2d, Dropout3d
from droplab.nn._dropout import Dropout
from droplab.nn.keyed import keyed, keyed_layers
from droplab.nn.layer import DropLayer

__all__ = [
    "AlphaDropout",
    "DropLayer",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "FeatureAlphaDropout",
    "keyed",
    "keyed_layers",
]

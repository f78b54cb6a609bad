"""Stateless dropout: autograd, validation, ``p = 0`` and ``p = 1``; no mask is kept for the backward pass."""

from droplab.functional.add import dropout_add
from droplab.functional.alpha import alpha_dropout, feature_alpha_dropout
from droplab.functional.channels import dropout1d, dropout2d, dropout3d
from droplab.functional.dropout import dropout
from droplab.functional.key import Key
from droplab.functional.masked import drop
from droplab.functional.structured import drop_head, drop_path, locked_dropout
from droplab.functional.weights import drop_connect, drop_connect2d, drop_connect_inference, weight_drop
from droplab.functional.zoneout import zoneout

__all__ = [
    "Key",
    "alpha_dropout",
    "drop",
    "drop_connect",
    "drop_connect2d",
    "drop_connect_inference",
    "drop_head",
    "drop_path",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "dropout_add",
    "feature_alpha_dropout",
    "locked_dropout",
    "weight_drop",
    "zoneout",
]

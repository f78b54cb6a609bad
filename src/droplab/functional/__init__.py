"""Stateless dropout: autograd, validation, ``p = 0`` and ``p = 1``; no mask is kept for the backward pass."""

from droplab.functional.add import dropout_add
from droplab.functional.alpha import alpha_dropout, feature_alpha_dropout
from droplab.functional.attention import attention
from droplab.functional.blocks import drop_block2d, drop_block3d
from droplab.functional.channels import dropout1d, dropout2d, dropout3d
from droplab.functional.concrete import concrete_dropout, concrete_penalty
from droplab.functional.depth import layer_drop
from droplab.functional.dropout import dropout
from droplab.functional.gaussian import gaussian_dropout, gaussian_noise
from droplab.functional.key import Key
from droplab.functional.masked import drop
from droplab.functional.standout import standout
from droplab.functional.structured import drop_head, drop_path, locked_dropout
from droplab.functional.tokens import patch_dropout, token_dropout
from droplab.functional.units import unit_dropout_conv2d, unit_dropout_linear, unit_dropout_mlp
from droplab.functional.variational import (
    kl_log_uniform,
    kl_log_uniform_cubic,
    reparameterised,
    variational_linear,
)
from droplab.functional.weights import drop_connect, drop_connect2d, drop_connect_inference, weight_drop
from droplab.functional.words import embedding_dropout
from droplab.functional.zoneout import zoneout

__all__ = [
    "Key",
    "alpha_dropout",
    "attention",
    "concrete_dropout",
    "concrete_penalty",
    "drop",
    "drop_block2d",
    "drop_block3d",
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
    "embedding_dropout",
    "feature_alpha_dropout",
    "gaussian_dropout",
    "gaussian_noise",
    "kl_log_uniform",
    "kl_log_uniform_cubic",
    "layer_drop",
    "locked_dropout",
    "patch_dropout",
    "reparameterised",
    "standout",
    "token_dropout",
    "unit_dropout_conv2d",
    "unit_dropout_linear",
    "unit_dropout_mlp",
    "variational_linear",
    "weight_drop",
    "zoneout",
]

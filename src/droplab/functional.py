"""Stateless dropout: autograd, validation, ``p = 0`` and ``p = 1``; no mask is kept for the backward pass.

Written by ``scripts/faces.py``.
"""

from droplab.masks.drop import drop
from droplab.masks.key import Key
from droplab.variants.alpha import alpha_dropout, feature_alpha_dropout
from droplab.variants.attention import attention
from droplab.variants.channels import dropout1d, dropout2d, dropout3d
from droplab.variants.concrete import concrete_dropout, concrete_penalty
from droplab.variants.drop_block import drop_block2d, drop_block3d
from droplab.variants.drop_connect import drop_connect, drop_connect2d, drop_connect_inference
from droplab.variants.dropout import dropout, dropout_add
from droplab.variants.embedding import embedding_dropout
from droplab.variants.gaussian import gaussian_dropout, gaussian_noise
from droplab.variants.heads import drop_head
from droplab.variants.layer_drop import layer_drop
from droplab.variants.locked import locked_dropout
from droplab.variants.path import drop_path
from droplab.variants.sparse_variational import kl_log_uniform
from droplab.variants.standout import standout
from droplab.variants.tokens import patch_dropout, token_dropout
from droplab.variants.unit_mlp import unit_dropout_mlp
from droplab.variants.units import unit_dropout_conv2d, unit_dropout_linear
from droplab.variants.variational import kl_log_uniform_cubic, reparameterised, variational_linear
from droplab.variants.weight_drop import weight_drop
from droplab.variants.zoneout import zoneout

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

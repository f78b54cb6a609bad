"""Every function that draws, as one of a tensor ``(4, 4, 6, 5)`` (float64 unless asked for), a key and ``p = 0.5``."""

from __future__ import annotations

import math

import pytest
import torch

from droplab import functional as F

SHAPE = (4, 4, 6, 5)
P = 0.5


def _like(x, *shape):
    """Numbers that do not depend on the input's: weights, preactivations."""
    return (torch.arange(math.prod(shape), dtype=torch.float64).reshape(shape) % 7 / 7 + 0.2).to(x.dtype).to(x.device)


CALLS = {
    "dropout": lambda x, key: F.dropout(x, P, key=key),
    "dropout1d": lambda x, key: F.dropout1d(x.flatten(2), P, key=key),
    "dropout2d": lambda x, key: F.dropout2d(x, P, key=key),
    "dropout3d": lambda x, key: F.dropout3d(x.unsqueeze(2), P, key=key),
    "alpha_dropout": lambda x, key: F.alpha_dropout(x, P, True, key=key),
    "feature_alpha_dropout": lambda x, key: F.feature_alpha_dropout(x, P, True, key=key),
    "dropout_add": lambda x, key: F.dropout_add(x, x * 2, P, key=key),
    "gaussian_dropout": lambda x, key: F.gaussian_dropout(x, P, key=key),
    "gaussian_noise": lambda x, key: F.gaussian_noise(x, P, key=key) * x,
    "locked_dropout": lambda x, key: F.locked_dropout(x.flatten(2), P, key=key),
    "drop_path": lambda x, key: F.drop_path(x, P, key=key),
    "drop_path_batch": lambda x, key: F.drop_path(x, P, mode="batch", key=key),
    "drop_head": lambda x, key: F.drop_head(x, P, key=key),
    "token_dropout": lambda x, key: F.token_dropout(x.flatten(2), P, prefix=1, key=key),
    "patch_dropout": lambda x, key: F.patch_dropout(x.flatten(2), P, prefix=1, key=key),
    "drop_block2d": lambda x, key: F.drop_block2d(x, P, block_size=3, key=key),
    "drop_block3d": lambda x, key: F.drop_block3d(x.unsqueeze(2), P, block_size=2, normalise="count", key=key),
    "drop_connect": lambda x, key: F.drop_connect(x, _like(x, 3, 5), p=P, key=key),
    "drop_connect_own": lambda x, key: F.drop_connect(x, _like(x, 3, 5), _like(x, 3), P, per_sample=True, key=key),
    "drop_connect2d": lambda x, key: F.drop_connect2d(x, _like(x, 3, 4, 2, 2), p=P, key=key),
    "weight_drop": lambda x, key: F.weight_drop(x, P, key=key),
    "unit_dropout_linear": lambda x, key: F.unit_dropout_linear(x, _like(x, 3, 5), p=P, key=key),
    "unit_dropout_conv2d": lambda x, key: F.unit_dropout_conv2d(
        x, _like(x, 3, 4, 2, 2), p=P, exact_count=True, key=key
    ),
    "unit_dropout_mlp": lambda x, key: F.unit_dropout_mlp(
        x, [_like(x, 6, 5), _like(x, 3, 6)], [None, None], P, key=key
    ),
    "concrete_dropout": lambda x, key: F.concrete_dropout(x, _like(x, 1), key=key),
    "standout": lambda x, key: F.standout(x, x * 2, P, key=key),
    "variational_linear": lambda x, key: F.variational_linear(x, _like(x, 3, 5), _like(x, 3, 5), key=key),
    "reparameterised": lambda x, key: F.reparameterised(x, x.square(), key=key),
    "drop_connect_inference": lambda x, key: F.drop_connect_inference(x, x.square() + 1, samples=2, key=key),
    "zoneout": lambda x, key: F.zoneout(x, x * 2, P, key=key),
    "layer_drop": lambda x, key: F.layer_drop(x, [torch.sin, torch.exp, torch.tanh], P, True, key=key),
    "attention": lambda x, key: F.attention(x, x, x, P, key=key),
    "embedding_dropout": lambda x, key: F.embedding_dropout(
        torch.arange(6).reshape(2, 3), x.flatten(0, 1).flatten(1), P, key=key
    ),
}  # fmt: skip
"""Keys are used as they are, so batches are the first dimension."""


def numbers(dtype=torch.float64):
    """Of both signs, none near zero."""
    ramp = torch.linspace(0.5, 2.0, math.prod(SHAPE), dtype=torch.float64)
    return (ramp * torch.where(torch.arange(len(ramp)) % 3 == 0, -1.0, 1.0)).reshape(SHAPE).to(dtype)


_FIRST = (
    "dropout", "alpha_dropout", "dropout_add", "gaussian_dropout", "patch_dropout", "drop_connect_own",
    "unit_dropout_linear", "unit_dropout_conv2d", "standout", "zoneout", "layer_drop", "attention",
)  # fmt: skip
KINDS = [name if name in _FIRST else pytest.param(name, marks=pytest.mark.prove) for name in CALLS]
"""One function of each way to draw; the others are proofs."""

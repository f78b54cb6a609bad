"""The layer kinds that an arm can name, until droplab's own layers arrive."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

LAYERS: Mapping[str, Callable[[float], nn.Module]] = {
    "dropout": nn.Dropout,
    "dropout1d": nn.Dropout1d,
    "dropout2d": nn.Dropout2d,
    "dropout3d": nn.Dropout3d,
    "alpha_dropout": nn.AlphaDropout,
    "feature_alpha_dropout": nn.FeatureAlphaDropout,
}
"""Name in a spec to torch's class, each called with the drop rate ``p``."""

_DROPOUT_CLASSES = (
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
)


def is_dropout(module: nn.Module) -> bool:
    """Whether a module is one of torch's dropout layers (or a subclass of one).

    >>> is_dropout(nn.Dropout(0.5)), is_dropout(nn.Linear(1, 1))
    (True, False)
    """
    return isinstance(module, _DROPOUT_CLASSES)

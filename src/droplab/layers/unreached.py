"""What of a model may drop and is no layer of droplab's, as far as that can be known without running it."""

from __future__ import annotations

import re
import warnings
import weakref
from typing import Any

from torch import Tensor, nn

from droplab.layers.doorway import doorways
from droplab.layers.layer import DropLayer
from droplab.layers.reading import names_read, only_read
from droplab.layers.serving import functions, keys_number

TORCHS: tuple[type[nn.Module], ...] = (
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
)
"""Torch's dropout layers."""
NUMBERS: tuple[type[nn.Module], ...] = (nn.MultiheadAttention, nn.RNNBase)
"""Torch's modules that drop by a number of their own, their attribute ``dropout``."""
_CALLED = re.compile(r"drop|stochastic_?depth", re.IGNORECASE)
_RATES = ("p", "drop_prob", "drop_rate", "rate")


def drops_by_number(module: nn.Module) -> bool:
    """Whether a module's attribute ``dropout`` is a rate at which it drops: attention's, or a recurrent stack's.

    >>> drops_by_number(nn.MultiheadAttention(4, 2)), drops_by_number(nn.LSTM(4, 4))  # one layer has no place between
    (True, False)
    """
    if not isinstance(module, NUMBERS) or not isinstance(module.__dict__.get("dropout"), (int, float)):
        return False
    return not isinstance(module, nn.RNNBase) or module.num_layers > 1


def keyed_number(module: nn.Module) -> bool:
    """Whether that number's masks have keys: where they are served, and in zoneout's layers, which draw them too."""
    return keys_number(module) or (isinstance(module, DropLayer) and getattr(module, "keys_dropout", False))


def foreign(model: nn.Module) -> dict[str, str]:
    """What may drop in a model and is neither torch's nor droplab's: by name, and how it shows.

    A module called after dropout (``DropPath``, ``StochasticDepth``, …) with a rate above 0, or any attribute called so
    that is a rate above 0 (``self.attention_dropout = 0.1``), with which a model calls dropout as a function. A rate
    that no method reads is not named where dropout layers are inside, which it was for; nor is dropout whose rate
    stands in ``forward`` itself.

    >>> class Mine(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.attention_dropout = 0.1
    >>> foreign(nn.Sequential(Mine()))
    {'0.attention_dropout': 'Mine has attention_dropout = 0.1'}
    """
    found: dict[str, str] = {}
    for name, module in model.named_modules():
        if isinstance(module, (*TORCHS, *NUMBERS, DropLayer)):
            continue
        if functions(module):
            continue
        kind, values = type(module).__name__, module.__dict__
        for attribute, value in values.items():
            called = _CALLED.search(attribute) or (_CALLED.search(kind) and attribute in _RATES)
            rate = called and isinstance(value, float) and 0 < value <= 1 and "keep" not in attribute
            if rate and (not _has_layers(module) or attribute in names_read(model)):
                found[f"{name}.{attribute}".lstrip(".")] = f"{kind} has {attribute} = {value:g}"
    return found


def _has_layers(module: nn.Module) -> bool:
    return any(isinstance(inner, (*TORCHS, DropLayer)) for inner in module.modules())


def unreached(model: nn.Module) -> dict[str, str]:
    """What of a model may drop in training and has no key within ``droplab.keyed``: by name, and how it shows.

    Torch's own dropout layers, attention's and recurrent layers' ``dropout=``, layers that are only asked for their
    ``p``, and what ``foreign`` finds. What a model does in ``forward`` alone cannot be seen here.

    >>> model = nn.Sequential(nn.Dropout(0.5), nn.LSTM(4, 4, 2, dropout=0.1))
    >>> unreached(model)
    {'0': 'Dropout(p=0.5)', '1.dropout': 'LSTM has dropout = 0.1'}
    """
    found: dict[str, str] = {}
    layer: Any
    for name, module in model.named_modules():
        kind = type(module).__name__
        layer = module
        if isinstance(module, TORCHS) and not isinstance(module, DropLayer) and layer.p and not functions(module):
            found[name] = f"{kind}(p={float(layer.p):g})"
        if drops_by_number(module) and module.dropout and not keyed_number(module):
            found[f"{name}.dropout".lstrip(".")] = f"{kind} has dropout = {module.dropout:g}"
        for door, doorway in doorways(module).items():
            layer = doorway.layer
            if not isinstance(layer, DropLayer) and layer.p:
                found[f"{name}:{door}"] = f"{type(layer).__name__}(p={float(layer.p):g})"
    for name, owner in only_read(model).items():
        rate = getattr(model.get_submodule(name), "p", 0.0)
        if isinstance(rate, Tensor) or rate:
            found[name] = f"{owner} reads its p and does not call it"
    return {**found, **foreign(model)}


_told: weakref.WeakSet[nn.Module] = weakref.WeakSet()


def warn_once(model: nn.Module) -> None:
    """Say what no key reaches, the first time that a model is keyed."""
    if model in _told:
        return
    _told.add(model)
    found = unreached(model)
    if found:
        warnings.warn(
            f"droplab.keyed does not reach all of {type(model).__name__}: {listed(found)}. What drops there draws from "
            "torch's generator, so a step is no function of its key. droplab.replace(model) exchanges torch's layers; "
            "droplab.apply_rates sets the others that it knows; droplab.keyed(...).unreached names all",
            stacklevel=3,
        )


def hush(model: nn.Module) -> None:
    """Take what no key reaches for told: whoever keys the model knows it by running it."""
    _told.add(model)


def listed(found: dict[str, str], most: int = 5) -> str:
    """A few of them in words.

    >>> listed({"a": "Dropout(p=0.5)", "b.dropout": "LSTM has dropout = 0.1"}, most=1)
    'a: Dropout(p=0.5), and 1 more'
    """
    shown = [f"{name}: {how}" for name, how in list(found.items())[:most]]
    return ", ".join([*shown, f"and {len(found) - most} more"] if len(found) > most else shown)

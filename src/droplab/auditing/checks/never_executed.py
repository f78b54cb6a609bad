"""DL003: a layer that is never executed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from droplab.auditing.defined import defined_at
from droplab.auditing.executed import Finding, Subject
from droplab.layers.reading import only_read
from droplab.surgery.holders import is_dropout


def check(subject: Subject) -> Iterator[Finding]:
    """Dropout layers with a rate above 0 whose forward did not run in train mode.

    Not those whose owner reads their ``p``, nor those whose owner hands their rate to fused attention.
    """
    model = subject.model
    read = only_read(model)
    handed = {(call.module, call.p) for call in subject.train.calls if call.what == "attention" and call.active}
    asleep = [name for name, module in model.named_modules() if name and id(module) not in subject.train.ran]
    for name, module in model.named_modules():
        layer: Any = module
        if not name or not is_dropout(module) or id(module) in subject.train.ran or not _rate(layer) or name in read:
            continue
        owner = name.rpartition(".")[0]
        if owner in asleep and _has_weights(model.get_submodule(owner)):
            continue  # all of the owner is left out on this input
        if (owner, _rate(layer)) in handed:
            continue
        yield Finding("DL003", name, defined_at(model, name), {"layer": f"{type(module).__name__}(p={_rate(layer):g})"})


def _rate(layer: Any) -> float:
    rate = getattr(layer, "p", 0.0)
    try:
        return float(rate)
    except (TypeError, ValueError, RuntimeError):
        return 0.0


def _has_weights(module: nn.Module) -> bool:
    return any(True for _ in module.parameters())

"""DL015: dropout that is lost in a fast path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from torch import nn

from droplab.auditing.executed import Call, Finding, Subject
from droplab.auditing.naming import name_of_call
from droplab.surgery.holders import is_dropout

_ATTENTION = re.compile(r"att\w*drop|drop\w*att", re.IGNORECASE)


def check(subject: Subject) -> Iterator[Finding]:
    """In train mode, a fused layer that knows no dropout, and fused attention at 0 whose owner has a rate for it."""
    for kernel, module in subject.fused:
        rates = [] if module is None else [_rate(inner) for inner in module.modules()]
        if any(rates):
            yield Finding("DL015", _path(subject.model, module), values={"kernel": kernel, "p": f"{max(rates):g}"})
    told = set[str]()
    for call in subject.train.calls:
        p = _meant(call, subject) if call.function == "F.scaled_dot_product_attention" and call.p == 0 else 0.0
        if p and call.module not in told:
            told.add(call.module)
            values = {"kernel": "scaled_dot_product_attention", "p": f"{p:g}"}
            yield Finding("DL015", name_of_call(call), call.place, values)


def _meant(call: Call, subject: Subject) -> float:
    """The rate that the owner of fused attention has for attention's weights and hands to nobody."""
    owner: Any = call.owner
    if owner is None or isinstance(owner, nn.MultiheadAttention):
        return 0.0
    for name, value in [*vars(owner).items(), *owner._modules.items()]:
        if not _ATTENTION.search(name):
            continue
        if isinstance(value, nn.Module) and is_dropout(value) and id(value) not in subject.train.ran:
            return _rate(value)
        if isinstance(value, float) and 0 < value <= 1:
            return value
    return 0.0


def _rate(module: Any) -> float:
    if is_dropout(module):
        return float(module.p)
    return float(module.dropout) if isinstance(module, nn.MultiheadAttention) else 0.0


def _path(model: nn.Module, module: nn.Module | None) -> str:
    return next((name for name, one in model.named_modules() if one is module), "") or type(module).__name__

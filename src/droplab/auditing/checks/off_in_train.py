"""DL002: off in train mode."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from droplab.auditing.executed import Finding, Subject
from droplab.auditing.naming import name_of_call


def check(subject: Subject) -> Iterator[Finding]:
    """Dropout with a rate above 0 that was called in train mode and told not to drop, at each of its calls."""
    called: dict[tuple[str, str], list[bool]] = {}
    for call in subject.train.calls:
        called.setdefault((call.module, call.place), []).append(call.active)
    told = set[tuple[str, str]]()
    for call in subject.train.calls:
        key = (call.module, call.place)
        single = isinstance(call.owner, nn.RNNBase) and call.owner.num_layers == 1
        if call.handled and call.p and not any(called[key]) and key not in told and not single:
            told.add(key)
            yield Finding("DL002", name_of_call(call), call.place, {"p": f"{call.p:g}", "function": call.function})

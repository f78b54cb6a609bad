"""DL006: ``nn.LSTM(dropout=…)`` with one layer."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from droplab.auditing.defined import defined_at
from droplab.auditing.executed import Finding, Subject


def check(subject: Subject) -> Iterator[Finding]:
    """Recurrent modules with a rate and one layer: dropout acts between layers, of which there is no two."""
    for name, module in subject.model.named_modules():
        if isinstance(module, nn.RNNBase) and module.num_layers == 1 and module.dropout:
            values = {"layer": type(module).__name__, "p": f"{module.dropout:g}"}
            yield Finding("DL006", name or type(module).__name__, defined_at(subject.model, name), values)

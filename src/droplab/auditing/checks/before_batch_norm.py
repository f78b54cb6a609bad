"""DL009: dropout before BatchNorm."""

from __future__ import annotations

from collections.abc import Iterator

from droplab.auditing.executed import Finding, Subject
from droplab.auditing.naming import name_of_call


def check(subject: Subject) -> Iterator[Finding]:
    """Dropout whose output, but for views and elementwise functions, is a BatchNorm's input."""
    for call, norm in dict.fromkeys(subject.train.normed):
        yield Finding("DL009", name_of_call(call), call.place, {"norm": norm})

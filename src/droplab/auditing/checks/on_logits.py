"""DL008: dropout on logits."""

from __future__ import annotations

from collections.abc import Iterator

from droplab.auditing.executed import Finding, Subject
from droplab.auditing.naming import name_of_call


def check(subject: Subject) -> Iterator[Finding]:
    """Dropout on what a linear map gave, where that is what the model gives; whole branches are not logits."""
    for call in dict.fromkeys(subject.train.on_output):
        if call.what != "path":
            yield Finding("DL008", name_of_call(call), call.place)

"""DL011: in place where autograd needs the value."""

from __future__ import annotations

from collections.abc import Iterator

from droplab.auditing.executed import Finding, Subject
from droplab.auditing.gradients import backward_refused
from droplab.auditing.naming import name_of_call


def check(subject: Subject) -> Iterator[Finding]:
    """Dropout that wrote over what autograd had kept, where the backward pass then refuses."""
    suspects = {(call.module, call.place): call for call in subject.train.calls if call.overwritten}
    if suspects and backward_refused(subject.model, subject.args, subject.kwargs):
        for call in suspects.values():
            yield Finding("DL011", name_of_call(call), call.place)

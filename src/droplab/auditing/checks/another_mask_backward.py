"""DL012: the backward pass has another mask than the forward pass."""

from __future__ import annotations

from collections.abc import Iterator

from droplab.auditing.executed import Finding, Subject
from droplab.auditing.gradients import Answer, agreement, is_compiled
from droplab.auditing.naming import name_of_call


def check(subject: Subject) -> Iterator[Finding]:
    """The gradient of a model that recomputes or is compiled, compared with differences under the same generator."""
    again = [call for call in subject.train.calls if call.recomputed and call.draws]
    compiled = is_compiled(subject.model)
    if not again and not (compiled and any(call.draws for call in subject.train.calls)):
        return
    answer = agreement(subject.model, subject.args, subject.kwargs)
    if answer is Answer.UNKNOWN:
        subject.skipped["DL012"] = "no_gradient"
    elif answer is Answer.DIFFERS:
        first = again[0] if again else next(call for call in subject.train.calls if call.draws)
        yield Finding("DL012", name_of_call(first), first.place)

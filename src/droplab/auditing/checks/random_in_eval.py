"""DL001: random in eval mode."""

from __future__ import annotations

from collections.abc import Iterator

from droplab.auditing.executed import Finding, Subject
from droplab.auditing.naming import named


def check(subject: Subject) -> Iterator[Finding]:
    """What draws in eval mode; noise that drops nothing is a note, and an output that varies without a draw is not."""
    drawing = [one for one in subject.executed if one.in_eval]
    for one in drawing:
        yield Finding("DL001", named(one), one.place, {"function": one.function}, note=not one.drops)
    if subject.eval_varies and not drawing:
        yield Finding("DL001", type(subject.model).__name__, values={"function": "?"})

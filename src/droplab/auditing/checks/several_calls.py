"""DL010: one layer for several calls."""

from __future__ import annotations

from collections.abc import Iterator

from droplab.auditing.executed import Call, Finding, Subject


def check(subject: Subject) -> Iterator[Finding]:
    """A note for each dropout layer that is called more than once in a pass: its calls have one rate, and own masks."""
    calls: dict[int, list[Call]] = {}
    for call in subject.train.calls:
        if call.what in {"layer", "path"} and call.p and call.owner is not None:
            calls.setdefault(id(call.owner), []).append(call)
    for some in calls.values():
        if len(some) > 1:
            yield Finding("DL010", some[0].module, some[0].place, {"count": str(len(some))}, note=True)

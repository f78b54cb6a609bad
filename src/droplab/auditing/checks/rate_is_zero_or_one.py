"""DL005: a rate of 0 or 1."""

from __future__ import annotations

from collections.abc import Iterator

from droplab.auditing.executed import Finding, Subject
from droplab.auditing.naming import named


def check(subject: Subject) -> Iterator[Finding]:
    """Dropout called at a rate of 1, which leaves nothing; one of 0, which does nothing, is a note."""
    for one in subject.executed:
        if one.calls and one.p == 1:
            yield Finding("DL005", named(one), one.place, {"p": "1"})
        elif one.calls and one.p == 0 and one.what in {"layer", "function", "path"}:
            yield Finding("DL005", named(one), one.place, {"p": "0"}, note=True)

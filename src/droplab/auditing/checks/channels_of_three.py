"""DL007: channel dropout on a 3-d input."""

from __future__ import annotations

from collections.abc import Iterator

from droplab.auditing.executed import Finding, Subject
from droplab.auditing.naming import named


def check(subject: Subject) -> Iterator[Finding]:
    """``dropout2d`` on three dimensions, of which torch takes the first for samples and the second for channels."""
    for one in subject.executed:
        name = one.function.rpartition(".")[2].lower()
        if one.calls and name == "dropout2d" and len(one.shape) == 3:
            yield Finding("DL007", named(one), one.place, {"shape": str(one.shape)})

"""``# droplab: ignore=DL003`` at a line of code: what is found there is meant."""

from __future__ import annotations

import re

from droplab.auditing.executed import Finding
from droplab.auditing.places import source

_MARK = re.compile(r"#\s*droplab:\s*ignore=([A-Z0-9, ]+)")


def codes_in(line: str) -> set[str]:
    """The codes that a line of code asks to ignore.

    >>> sorted(codes_in("x = self.drop(x)  # droplab: ignore=DL003, DL010"))
    ['DL003', 'DL010']
    """
    return {code for found in _MARK.findall(line) for code in re.split(r"[,\s]+", found) if code}


def ignored(finding: Finding) -> bool:
    """Whether the line of a finding asks to ignore it."""
    return bool(finding.place) and finding.code in codes_in(source(finding.place))

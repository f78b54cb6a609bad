"""Failures, grouped: a reason is said once, with the runs that share it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from droplab.cli.translating import translate
from droplab.cli.words import words
from droplab.records import RunKey

_NAMED = 3
"""Runs that are named; the rest are counted."""
_NUMBER = re.compile(r"\d+(\.\d+)?")


def alike(reason: str) -> str:
    """What reasons have in common that differ in numbers alone, as of steps.

    >>> alike("NaN at step 3") == alike("NaN at step 12")
    True
    """
    return _NUMBER.sub("#", reason)


def grouped(failed: Iterable[tuple[RunKey, str]], lang: str) -> list[str]:
    """A line for each reason.

    >>> keys = [RunKey("half", seed) for seed in range(5)]
    >>> grouped([(key, f"NaN at step {key.seed}") for key in keys], "en")
    ['half · seed 0, half · seed 1, half · seed 2 and 2 more: NaN at step 0']
    """
    groups: dict[str, list[tuple[RunKey, str]]] = {}
    for key, reason in failed:
        groups.setdefault(alike(reason), []).append((key, reason))
    lines = []
    for runs in groups.values():
        names = words("comma", lang).join(
            words("run", lang, arm=key.arm, seed=str(key.seed)) for key, _ in runs[:_NAMED]
        )
        if len(runs) > _NAMED:
            names = words("failed.more", lang, names=names, count=len(runs) - _NAMED)
        lines.append(words("failed.reason", lang, runs=names, reason=translate(runs[0][1], lang)))
    return lines

"""How the verdict stands in a tool: under which names, and as which text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from droplab.align import markdown
from droplab.records import Conclusion, SinkRun

PREFIX = "droplab."
"""Before the names of what the verdict says of an arm."""
VERDICT = "droplab/verdict"
"""Where a tool has names with slashes."""


def note(conclusion: Conclusion) -> str:
    r"""Markdown for a description: the decision, and a row for each arm.

    >>> note(Conclusion("Use it.", "| arm |\n| --- |", "", {}))
    'Use it.\n\n| arm |\n| --- |'
    """
    return f"{markdown(conclusion.advice)}\n\n{conclusion.table}"


def report(conclusion: Conclusion) -> str:
    """Markdown for a page of its own: the note, and the whole verdict beneath."""
    longest = max((len(marks) for marks in re.findall("`+", conclusion.text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{note(conclusion)}\n\n{fence}text\n{conclusion.text}\n{fence}"


def listed(values: Mapping[str, Any]) -> str:
    r"""Markdown: a line for each value.

    >>> listed({"verdict": "better", "low": 0.5})
    'verdict: better  \nlow: 0.5'
    """
    return "  \n".join(f"{name}: {value}" for name, value in values.items())


def stands_for_all(runs: Mapping[str, SinkRun]) -> str:
    """The run that holds what concerns all of them, where a tool has no place for that: the same in every session.

    Args:
        runs: by id; at least one.
    """
    baseline = next(iter(runs.values())).config.get("baseline")
    return min(runs, key=lambda one: (runs[one].key.arm != baseline, runs[one].key.seed, runs[one].key.arm))

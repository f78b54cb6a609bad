"""``droplab plan``."""

from __future__ import annotations

from pathlib import Path


def plan(folder: Path, *, arms: int = 1, margin: float | None = None, lang: str | None = None) -> None:
    """From a few finished runs of the baseline: their noise, what so many seeds can show, and the time that takes.

    Args:
        folder: The folder of an experiment with two or more finished runs of its baseline.
        arms: How many arms are to be compared with the baseline.
        margin: The smallest difference that matters; says how many seeds it takes to call arms practically equal.
        lang: Language, en or ja (default: $DROPLAB_LANG, then the system's).
    """
    from droplab.analysis import Plan, pilot
    from droplab.cli.terminal import say
    from droplab.cli.words import language
    from droplab.ledger import read_experiment
    from droplab.records import LOOKS
    from droplab.report import render_pilot

    lang = language(lang)
    record = read_experiment(folder)
    say(render_pilot(pilot(record, arms, Plan(LOOKS, margin)), record.name, lang))

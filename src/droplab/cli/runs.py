"""``droplab runs``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def runs(
    folder: Path,
    *,
    plain: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
    lang: str | None = None,
) -> None:
    """List the runs of an experiment: state, epochs, last measures.

    Args:
        folder: The experiment's folder.
        plain: Lines with tabs between the values, for programs.
        json: The same as JSON, a list with an object for each run.
        lang: Language, en or ja (default: $DROPLAB_LANG, then the system's).
    """
    from droplab.analysis import spared
    from droplab.cli.failing import grouped
    from droplab.cli.tabling import Column, hand_rows, tell
    from droplab.cli.terminal import say
    from droplab.cli.words import language, words
    from droplab.ledger import read_experiment
    from droplab.measures import glance
    from droplab.report import report_words

    lang = language(lang)
    record = read_experiment(folder)
    idle = spared(record)
    shown = glance(record.measures, record.metrics)
    named = report_words(record.measures, lang) if lang != "en" else {}
    heads = [
        Column("arm", words("runs.arm"), prose=True),
        Column("seed", words("runs.seed"), number=True),
        Column("state", words("runs.state")),
        Column("epochs", words("runs.epochs"), number=True),
    ]
    figures = [
        Column(name, named.get(name, name.replace("_", " ")), number=True, spare=at > 0)
        for at, name in enumerate(shown)
    ]
    rows = [
        (
            [key.arm, key.seed, "spared" if key in idle else run.state, run.epochs_done],
            [run.metrics[name][-1] if name in run.metrics else None for name in shown],
            run.reason,
        )
        for key, run in record.runs.items()
    ]
    if plain or json:
        hand_rows([*heads, *figures, Column("reason", "")], [[*own, *last, why] for own, last, why in rows], json=json)
        return
    lines = [
        [
            str(arm),
            str(seed),
            words(f"state.{state}"),
            f"{done}/{record.epochs or done}",
            *("" if value is None else f"{value:.4f}" for value in last),
        ]
        for (arm, seed, state, done), last, _ in rows
    ]
    tell([*heads, *figures], lines, f"{record.name} · {folder}")
    for line in grouped(((key, run.reason) for key, run in record.runs.items() if run.state == "failed"), lang):
        say(line)
    say(words("runs.opened", count=record.test_openings))

"""The statistics in five plain sentences."""

from __future__ import annotations

from droplab.analysis import Verdict, scope_of
from droplab.records import ELSEWHERE, ExperimentRecord
from droplab.report.locale import Speaker
from droplab.report.naming import said
from droplab.report.scope import scope

_APART = {"weights_differ", "batches_differ"}
"""Notices of arms that do not start alike."""


def method(verdict: Verdict, record: ExperimentRecord, lang: str) -> tuple[str, ...]:
    """How the answers were found, for who has no time for the notes; those say it exactly.

    Raises:
        UserError: another language.
    """
    say, main = Speaker(lang), verdict.primary
    percent = f"{verdict.alpha:.1%}".replace(".0%", "%")
    if main is None:
        asked = say("method.first_set", percent=percent, count=len(verdict.effects))
        rest = say("method.described")
    else:
        asked = said(say, f"method.{main.answers[0].kind}", main.end.measure, percent=percent)
        rest = say("method.rest")
    test = "method.elsewhere" if ELSEWHERE in record.spec else "method.test"
    drawn = scope_of(record)
    held = scope(drawn, say) if drawn.resample else say("method.interval")
    return (
        say("method.pairs" if alike(record) else "method.pairs_apart"),
        held,
        asked,
        rest,
        say(test, count=record.test_openings),
    )


def alike(record: ExperimentRecord) -> bool:
    """Whether arms of a seed start from the same weights and see the same batches, as far as was noticed."""
    return not any(notice.code in _APART for notice in record.notices)

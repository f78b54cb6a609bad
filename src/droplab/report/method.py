"""The statistics in five plain sentences."""

from __future__ import annotations

from droplab.analysis import Verdict
from droplab.records import ELSEWHERE, ExperimentRecord
from droplab.report.locale import Speaker
from droplab.report.naming import said


def method(verdict: Verdict, record: ExperimentRecord, lang: str) -> tuple[str, ...]:
    """How the answers were found, for who has no time for the notes; those say it exactly.

    Raises:
        UserError: another language.
    """
    say, main = Speaker(lang), verdict.primary
    percent = f"{verdict.alpha:.1%}".replace(".0%", "%")
    first = verdict.questions.primary
    if main is None:
        asked = say("method.first_set", percent=percent, count=len(verdict.effects))
        rest = say("method.described")
    else:
        asked = said(say, f"method.{main.answers[0].kind}", main.end.measure, percent=percent)
        rest = say("method.rest")
    test = "method.elsewhere" if ELSEWHERE in record.spec else "method.test"
    return (
        say("method.pairs"),
        said(say, "method.interval", first),
        asked,
        rest,
        say(test, count=record.test_openings),
    )

"""The verdict for the places where an experiment's runs are looked at."""

from __future__ import annotations

from droplab.analysis import Verdict
from droplab.errors import plain
from droplab.languages import in_a_row
from droplab.records import Conclusion, ExperimentRecord
from droplab.report.rows import rows
from droplab.report.summary import summaries
from droplab.report.text import render
from droplab.report.wording import wording


def conclusion(verdict: Verdict, record: ExperimentRecord, lang: str = "en") -> Conclusion:
    """What sinks are told.

    Args:
        verdict: what the statistics allow.
        record: the experiment it was drawn from.
        lang: of advice, table and text, ``en`` or ``ja``.

    Raises:
        UserError: another language.
    """
    said = wording(verdict, record, lang)
    return Conclusion(
        advice=plain(in_a_row((said.advice, *said.beside))),
        table=rows(verdict, record, "markdown", lang),
        text=render(verdict, record, lang),
        arms=summaries(verdict, record),
    )

"""Notices as sentences: what a careful reader should know before believing the figures."""

from __future__ import annotations

from droplab.records import ExperimentRecord, Notice
from droplab.report.locale import Speaker
from droplab.report.recipes import recipe_texts
from droplab.resampling import NOTICE


def notice_texts(record: ExperimentRecord, lang: str = "en") -> tuple[str, ...]:
    """One sentence for each arm that changes the recipe, and for each notice; how splits were drawn, the scope says.

    Args:
        record: the experiment.
        lang: ``en`` or ``ja``.

    Raises:
        UserError: another language.
    """
    say = Speaker(lang)
    noticed = (_sentence(notice, say) for notice in record.notices if notice.code != NOTICE)
    return (*recipe_texts(record, say), *noticed)


def _sentence(notice: Notice, say: Speaker) -> str:
    key = f"notice.{notice.code}"
    if not say.knows(key):  # a ledger of a newer droplab
        return say("notice.unknown", code=notice.code, detail=str(dict(notice.detail)))
    text = say(key, **notice.detail)
    return say("notice.of_arm", arm=notice.arm, text=text) if notice.arm else text[:1].upper() + text[1:]

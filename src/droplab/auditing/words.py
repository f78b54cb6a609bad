"""The words of an audit, in every language."""

from __future__ import annotations

from typing import Any

from droplab.auditing.executed import Finding
from droplab.languages import read_texts


def words(lang: str) -> dict[str, Any]:
    """All texts of a language.

    >>> words("en")["level"]["seen"]
    'seen only'
    """
    return read_texts("droplab.auditing", "texts", lang)


def said(finding: Finding, lang: str) -> dict[str, str]:
    """What there is to say of a finding: ``name``, ``said``, ``why``, ``mend``, ``link``.

    >>> said(Finding("DL003", "drop2", values={"layer": "Dropout(p=0.5)"}), "en")["said"]
    'drop2, Dropout(p=0.5), is never called.'
    """
    all_words = words(lang)
    texts: dict[str, str] = all_words["checks"][finding.code]
    filled = texts["said"].format(where=finding.where, **finding.values)
    return {**texts, "said": filled, "link": all_words["link"].format(code=finding.code.lower())}

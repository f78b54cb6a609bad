"""The page's figures for who reads it without JavaScript: the same pictures, as far as they stay small."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from droplab.languages import LANGUAGES
from droplab.report.figures.curves import drawn
from droplab.report.figures.drawing import draw
from droplab.report.figures.sheet import Sheet
from droplab.report.figures.table import KINDS
from droplab.report.figures.themes import PAGE, variables

SHARE = 0.15
"""Of the rest of the page; of figures that would make it larger, parts are shown, and the command that draws them."""
WIDTH = "600px"


def without_script(data: Mapping[str, Any], texts: Mapping[str, str], lang: str, size: int) -> str:
    """What stands in the page where there is no JavaScript: each figure, and the verdict in words.

    Args:
        data: what the page is sent.
        texts: the verdict in words, by language.
        lang: the language in which the page opens; figures are in it, words in all.
        size: bytes of the rest of the page.
    """
    sheet = Sheet(data, lang)
    room = round(SHARE * size)
    shown, named = list[str](), list[str]()
    for kind in sorted(KINDS, key=lambda kind: bool(sheet.doses) and kind.name == "effects"):  # doses say the same
        if kind.missing(sheet):
            continue
        parts = [f"{kind.name}.{part}" for part in drawn(sheet)] if kind.name == "curves" else []
        for name in (kind.name, *parts):
            svg = draw(sheet, name, PAGE, WIDTH).svg
            fits = len(svg.encode()) <= room
            if fits:
                room -= len(svg.encode())
                shown.append(f"<figure>{svg}</figure>")
            if name == kind.name and fits:
                break
            if name == kind.name:
                named.append(f"<code>droplab figure DIR {name}</code>")
    style = variables(list(sheet.looks("light").values()), list(sheet.looks("dark").values()))
    more = f"<p>{html.escape(sheet.say('figure.more'))} {', '.join(named)}</p>" if named else ""
    order = (lang, *(code for code in LANGUAGES if code != lang))
    words = verdict_markup({code: texts[code] for code in order})
    return f'<style>{style}</style><div class="unscripted" lang="{lang}">{"".join(shown)}{more}</div>{words}'


def verdict_markup(texts: Mapping[str, str]) -> str:
    """The verdict in words, by language, as markup."""
    return "".join(f'<pre lang="{code}">{html.escape(text)}</pre>' for code, text in texts.items())

"""What other rooms say in English, in another language: errors, reasons of failed runs, lines of progress.

An exception keeps its English text, wherever it is raised, kept in a ledger or sent between processes. Here the text is
found again among all that droplab says: ``locales/said/CODE.json`` pairs each, as it stands in the source with its
fields numbered, with its translation. A test holds the table to the source.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import NamedTuple
from unicodedata import east_asian_width

from droplab.languages import in_a_row

_FIELD = re.compile(r"\{(\d+)\}")
_BULLET = re.compile(r"(\s*(?:[-!] )?)(.*)", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.!?]) (?=[A-Z`'\"—])")
_SUGGESTION = re.compile(r"; did you mean (.+?)\?")
_LEAST, _STRONG = 5, 12
"""Letters of a text with fields: with fewer it could be anybody's; with more it is taken before parts are looked at."""
_OF = "name: "
"""Begins texts that stand behind the place of a table."""
_CUTS = 20
"""Places of one kind at which a text may be divided."""
_DEEP = 6
"""Texts within texts."""


class _Pair(NamedTuple):
    parts: tuple[str, ...]
    """What stands between the fields."""
    pattern: str
    other: str
    """The translation, with its fields."""
    beside: tuple[tuple[str, str], ...]
    """Fields without anything between them: the first has the text of both, but for a suggestion."""
    strong: bool


def translate(text: str, lang: str) -> str:
    """A text of droplab's in a language; what is not droplab's stays as it is.

    Args:
        text: English, with names and numbers in it.
        lang: the language.

    >>> translate("no language 'fr'; droplab speaks en and ja", "ja")
    "'fr' という言語はありません。使えるのは en and ja です"
    """
    return text if lang == "en" else _deep(text, lang, _DEEP)


def is_ours(text: str) -> bool:
    """Whether droplab says a text, as the table of another language knows.

    >>> is_ours("the training loss is no longer finite"), is_ours("divide by zero encountered")
    (True, False)
    """
    return _whole(text, "ja", 1, strong=True) is not None


def pairs(lang: str) -> Mapping[str, str]:
    """The table of a language: English to its own."""
    return _table(lang)


@cache
def _table(lang: str) -> dict[str, str]:
    file = files("droplab.cli").joinpath("locales", "said", f"{lang}.json")
    rooms: dict[str, dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))
    table = {english: other for room in rooms.values() for english, other in room.items()}
    inner = {key.removeprefix(_OF): other.removeprefix(_OF) for key, other in table.items() if key.startswith(_OF)}
    return {**inner, **table}


@cache
def _ordered(lang: str) -> tuple[_Pair, ...]:
    """Those first that say most by themselves."""
    found = []
    for english, other in _table(lang).items():
        parts = _FIELD.split(english)
        letters = sum(map(str.isalpha, "".join(parts[::2])))
        if len(parts) > 1 and letters < _LEAST:
            continue
        pattern, beside = "", []
        for place, part in enumerate(parts):
            if place % 2 == 0:
                pattern += re.escape(part)
            elif place > 1 and not parts[place - 1]:
                pattern += f"(?P<_{part}>)"
                beside.append((f"_{parts[place - 2]}", f"_{part}"))
            else:
                pattern += f"(?P<_{part}>.*?)"
        strong = len(parts) == 1 or letters >= _STRONG
        found.append(_Pair(tuple(part for part in parts[::2] if part), pattern, other, tuple(beside), strong))
    return tuple(sorted(found, key=lambda pair: -sum(map(len, pair.parts))))


def _deep(text: str, lang: str, deep: int) -> str:
    if not deep or not any(map(str.isalpha, text)):
        return text
    for part in (_strong, _lines, _tail, _weak, _suggested, _sentences):
        said = part(text, lang, deep)
        if said is not None:
            return said
    return text


def _strong(text: str, lang: str, deep: int) -> str | None:
    return _whole(text, lang, deep, strong=True)


def _weak(text: str, lang: str, deep: int) -> str | None:
    return _whole(text, lang, deep, strong=False)


def _lines(text: str, lang: str, deep: int) -> str | None:
    if "\n" in text:
        return "\n".join(_deep(line, lang, deep) for line in text.split("\n"))
    found = _BULLET.fullmatch(text)
    return found[1] + _deep(found[2], lang, deep) if found and found[1] else None


def _tail(text: str, lang: str, deep: int) -> str | None:
    """A path, a name or a run before what is said of it."""
    for strong in (True, False):
        for cut in (": ", "; ", " ("):
            for found in islice(re.finditer(re.escape(cut), text), _CUTS):
                said = _whole(text[found.end() :], lang, deep, strong=strong)
                if said is not None:
                    return f"{_deep(text[: found.start()], lang, deep - 1)}{cut}{said}"
    return None


def _suggested(text: str, lang: str, deep: int) -> str | None:
    found = _SUGGESTION.search(text)
    if found is None:
        return None
    parts = text[: found.start()], _suggestion(found, lang), text[found.end() :]
    return _deep(parts[0], lang, deep - 1) + parts[1] + _deep(parts[2], lang, deep - 1)


def _suggestion(found: re.Match[str], lang: str) -> str:
    return _filled(_table(lang)["; did you mean {0}?"], {"_0": found[1]})


def _sentences(text: str, lang: str, deep: int) -> str | None:
    sentences = _SENTENCE.split(text)
    if len(sentences) < 2:
        return None
    return in_a_row(_deep(sentence, lang, deep - 1) for sentence in sentences)


def _whole(text: str, lang: str, deep: int, *, strong: bool) -> str | None:
    """A text that is one of the table; ``None`` where it is not."""
    for pair in _ordered(lang):
        if pair.strong is not strong or not all(part in text for part in pair.parts):
            continue
        found = re.fullmatch(pair.pattern, text, re.DOTALL)
        if found is None:
            continue
        fields = found.groupdict()
        for first, second in pair.beside:
            if suggested := _SUGGESTION.search(fields[first]):
                fields[second] = fields[first][suggested.start() :]
                fields[first] = fields[first][: suggested.start()]
        return _filled(pair.other, {name: _deep(value, lang, deep - 1) for name, value in fields.items()})
    return None


def _filled(template: str, fields: Mapping[str, str]) -> str:
    row = ""
    for place, part in enumerate(_FIELD.split(template)):
        row = _beside(row, fields[f"_{part}"] if place % 2 else part)
    return row


def _beside(row: str, part: str) -> str:
    """Both in one: a space that a template has for names goes where signs of full width meet."""
    if row.endswith(" ") and _is_wide(row[-2:-1]) and _is_wide(part[:1]):
        return row[:-1] + part
    if part.startswith(" ") and _is_wide(row[-1:]) and _is_wide(part[1:2]):
        return row + part[1:]
    return row + part


def _is_wide(sign: str) -> bool:
    return bool(sign) and east_asian_width(sign) in {"W", "F"}

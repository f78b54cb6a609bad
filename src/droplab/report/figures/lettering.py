"""How wide a text is and where it is broken: estimated from the widths of Helvetica, which Arial and others share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from droplab.errors import plain

_NARROW = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 278 "
    "584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667 944 "
    "667 667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 "
    "278 556 500 722 500 500 500 334 260 334 584"
)
"""Thousandths of the size, from the blank to the tilde."""
_WIDTHS = {chr(32 + at): int(width) / 1000 for at, width in enumerate(_NARROW.split())} | {"−": 0.6, "–": 0.56}
_OTHER = 0.72
"""Of a character that nothing is known of; few are wider."""
_ROOM = 1.05
"""Fonts that take Helvetica's place are a little wider."""
_BOLD = 1.08
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_FORBIDDEN = re.compile("[\ud800-\udfff\ufffe\uffff]")
_CLOSING = "、。，．・：；？！）」』】〕］｝〉》ー…‥’”)]}%,.:;?!"
_OPENING = "（「『【〔［｛〈《‘“(["


def cleaned(text: str) -> str:
    r"""Text that XML holds, on one line; marks that turn the direction of what follows are left out.

    >>> cleaned("a\x00b\n\u202ec")
    'a␀b c'
    """
    return " ".join(_FORBIDDEN.sub("\ufffd", _DIRECTIONS.sub("", plain(text))).split())


@cache
def _wide(char: str) -> float:
    known = _WIDTHS.get(char)
    if known is not None:
        return known
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0.0
    return 1.0 if unicodedata.east_asian_width(char) in "WFA" else _OTHER


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Pixels that a text takes, rather too many than too few.

    >>> round(width("ab", 10), 2), width("損失", 10) == 10 * 2 * 1.05
    (11.68, True)
    """
    return sum(map(_wide, text)) * size * _ROOM * (_BOLD if bold else 1.0)


def clipped(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """A text that fits, with an ellipsis where its end is left out.

    >>> clipped("dropout", 100, 10), clipped("dropout", 30, 10)
    ('dropout', 'dro…')
    """
    if width(text, size, bold=bold) <= room:
        return text
    kept = text
    while kept and width(f"{kept}…", size, bold=bold) > room:
        kept = kept[:-1]
    return f"{kept.rstrip()}…"


def folded(text: str, room: float, size: float, *, most: int = 3, bold: bool = False) -> list[str]:
    """A text in lines that fit, at most so many: the last one is clipped.

    Words stay whole where they fit; Japanese is broken anywhere but before what closes and after what opens.

    >>> folded("training loss (eval mode)", 80, 10)
    ['training loss', '(eval mode)']
    >>> folded("検証損失は下がる。", 54, 10, most=2)
    ['検証損失は', '下がる。']
    """
    lines, line = list[str](), ""
    for unit in _units(text):
        if line and width((line + unit).rstrip(), size, bold=bold) > room:
            lines.append(line)
            line = ""
        line += unit
    lines.append(line)
    if len(lines) > most:
        lines = [*lines[: most - 1], "".join(lines[most - 1 :])]
    return [clipped(one.strip(), room, size, bold=bold) for one in lines]


def _units(text: str) -> Iterator[str]:
    """Parts of a text that stay together."""
    unit = ""
    for char in text:
        wide = unicodedata.east_asian_width(char) in "WF"
        before = unit[-1:]
        joined = char in _CLOSING or (before and before in _OPENING) or char == " "
        parted = before == " " or wide or (bool(before) and unicodedata.east_asian_width(before) in "WF")
        if unit and parted and not joined:
            yield unit
            unit = ""
        unit += char
    if unit:
        yield unit

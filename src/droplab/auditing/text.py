"""An audit in words, in at most 80 columns; what differs in numbers of a path alone is one line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from droplab.auditing.executed import Executed, Finding, Report
from droplab.auditing.places import short
from droplab.auditing.words import said, words
from droplab.errors import clip, plain

WIDTH = 80
_MOST = 4
"""Findings of one code that are listed; the rest are counted."""
_CLOSING = "、。：）"
"""Begins no line."""
_NUMBERS = re.compile(r"(?<![^.])\d+(?![^.])")


def as_text(audit: Report, lang: str) -> str:
    """The whole report."""
    say = words(lang)
    lines = wrapped(head(audit, say))
    groups = _grouped(audit.executed)
    if groups:
        rows = [say["columns"], *(_row(group, say) for group in groups)]
        wide = [max(columns(row[number]) for row in rows) for number in range(len(rows[0]))]
        wide[0] = min(wide[0], WIDTH - sum(wide[1:]) - 2 * (len(wide) - 1))
        rows = [[clip(row[0], wide[0]), *row[1:]] for row in rows]
        lines += ["", _drawn(rows[0], wide)]
        for row, group in zip(rows[1:], groups, strict=True):
            lines += [_drawn(row, wide), *wrapped(_below(group, say), "    ")]
        total = sum(one.bytes for one in audit.executed)
        lines += ["", say["total"].format(bytes=size(total))]
    if not audit.complete:
        lines += ["", *wrapped(say["incomplete"])]
    faults, notes = audit.faults, [finding for finding in audit.findings if finding.note]
    lines += ["", say["faults"].format(count=len(faults)) if faults else say["clean"], *_findings(faults, lang)]
    if notes:
        lines += ["", say["notes"].format(count=len(notes)), *_findings(notes, lang)]
    if audit.ignored:
        codes = ", ".join(sorted(f"{finding.code} {finding.where}" for finding in audit.ignored))
        lines += ["", *wrapped(say["ignored"].format(codes=codes))]
    for code, key in audit.unchecked.items():
        name, reason = say["checks"][code]["name"], say["reasons"][key]
        lines += ["", *wrapped(say["unchecked"].format(code=code, name=name, reason=reason))]
    return plain("\n".join(lines))


def head(audit: Report, say: dict[str, Any]) -> str:
    """One sentence: how many execute, and how far they can be reached."""
    levels = [one.level for one in audit.executed]
    counts = {level: levels.count(level) for level in ("keyed", "seeded", "seen", "unreached")}
    if not levels:
        return f"{audit.model}: {say['none']}"
    found: str = say["head"].format(model=audit.model, count=len(levels), **counts)
    return found


def _grouped(executed: Iterable[Executed]) -> list[list[Executed]]:
    found: dict[Any, list[Executed]] = {}
    for one in executed:
        same = (_NUMBERS.sub("*", one.module), one.function, one.place, one.what, one.p, one.level, one.in_eval)
        found.setdefault((*same, one.in_train), []).append(one)
    return list(found.values())


def _row(group: list[Executed], say: dict[str, Any]) -> list[str]:
    first = group[0]
    module = first.module if len(group) == 1 else f"{len(group)} × {_NUMBERS.sub('*', first.module)}"
    drawn = sum(one.drawn for one in group)
    share = sum((one.share or 0) * one.drawn for one in group) / drawn if drawn else None
    return [
        module or f"({first.owner.rpartition('.')[2]})",
        say["what"][first.what],
        "?" if first.p is None else f"{first.p:.4g}",
        "–" if share is None else f"{share:.1%}",
        size(sum(one.bytes for one in group)),
        say["level"][first.level],
    ]


def _below(group: list[Executed], say: dict[str, Any]) -> str:
    first = group[0]
    shape = "×".join(str(length) for length in first.shape)
    parts = [first.function, short(first.place), shape]
    calls = sum(one.calls for one in group)
    if calls > len(group):
        parts.append(say["calls"].format(count=calls))
    if first.in_eval:
        parts.append(say["eval"] if first.in_train else say["only_eval"])
    elif not first.in_train:
        parts.append(say["off"])
    if first.level == "unreached":
        parts.append(say["unreached"])
    return ", ".join(part for part in parts if part)


def _findings(findings: Iterable[Finding], lang: str) -> Iterator[str]:
    say = words(lang)
    by_code: dict[str, list[Finding]] = {}
    for finding in findings:
        by_code.setdefault(finding.code, []).append(finding)
    for code, some in by_code.items():
        texts = said(some[0], lang)
        yield from ("", f"{code}  {texts['name']}")
        for finding in some[:_MOST]:
            place = f" [{short(finding.place)}]" if finding.place else ""
            yield from wrapped(said(finding, lang)["said"] + place, "  ")
        if len(some) > _MOST:
            yield f"  {say['more'].format(count=len(some) - _MOST)}"
        yield from wrapped(say["why"] + texts["why"], "    ")
        yield from wrapped(say["mend"] + texts["mend"], "    ")
        yield f"    {texts['link']}"


def size(number: int) -> str:
    """Bytes as people read them.

    >>> size(0), size(320), size(5_000_000)
    ('0', '320 B', '4.8 MiB')
    """
    if number < 1024:
        return f"{number} B" if number else "0"
    value = float(number)
    for unit in ("KiB", "MiB"):
        value /= 1024
        if value < 1024:
            return f"{value:.1f} {unit}"
    return f"{value / 1024:.1f} GiB"


def columns(text: str) -> int:
    """Columns of a terminal that a text takes.

    >>> columns("abc"), columns("層")
    (3, 2)
    """
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _drawn(row: list[str], wide: list[int]) -> str:
    return "  ".join(cell + " " * (width - columns(cell)) for cell, width in zip(row, wide, strict=True)).rstrip()


def wrapped(text: str, indent: str = "") -> list[str]:
    """Lines of at most 80 columns; between signs where a language has no spaces.

    >>> wrapped("one two", "  ")
    ['  one two']
    """
    lines, line = [], indent
    for rest in re.findall(r"[\x21-\x7e…×–≠]+|\s+|.", text):
        wide = columns(rest) > len(rest) and rest not in _CLOSING
        if line.strip() and columns(line + rest.rstrip()) > WIDTH - (4 if wide else 0):
            lines.append(line.rstrip())
            line, rest = indent, rest.lstrip()  # noqa: PLW2901
        while columns(line + rest) > WIDTH and rest.strip():
            fits = WIDTH - columns(line)
            lines.append(line + rest[:fits])
            line, rest = indent, rest[fits:]  # noqa: PLW2901
        line += rest
    return [*lines, line.rstrip()] if line.strip() else lines

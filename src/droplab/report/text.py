"""The verdict in plain words, laid out for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from droplab.align import fitted, table, wrap_within
from droplab.align import wrap as wrap_freely
from droplab.analysis import Verdict
from droplab.errors import plain
from droplab.records import ExperimentRecord
from droplab.report.wording import wording

_READABLE = 100
"""Columns of sentences at most."""


def render(verdict: Verdict, record: ExperimentRecord, lang: str = "en", columns: int = 0) -> str:
    """What ``wording`` makes of the same arguments as one text.

    Args:
        verdict: what the statistics allow.
        record: the experiment it was drawn from.
        lang: ``en`` or ``ja``.
        columns: those of the terminal; 0 where there is none: then prose is wrapped at 100, as it is at most, and
            tables are as wide as they are.
    """
    said = wording(verdict, record, lang)
    prose = min(columns or _READABLE, _READABLE)
    wrap = wrap_within if columns else wrap_freely
    lines = [*wrap(said.title, prose), "", *wrap(said.advice, prose)]
    for remark in said.beside:
        lines += ["", *wrap(remark, prose, indent="  ")]
    for finding in said.findings:
        lines += ["", *wrap(finding.heading, prose)]
        for group in finding.groups:
            lines += wrap(group.heading, prose, indent="  ") if group.heading else []
            lines += _table([row[:5] for row in group.rows], columns, "    " if group.heading else "  ")
    lines += [line for text in said.underfits for line in wrap(text, prose, indent="  ")]
    lines += ["", *wrap(said.arms_title, prose), *_table(said.arms, columns)]
    if said.notices:
        lines += ["", said.notices_title, *_listed(said.notices, columns)]
    lines += ["", said.reading_title, *_listed(said.notes, columns)]
    return plain("\n".join(lines))


def _table(rows: Sequence[Sequence[str]], columns: int, indent: str = "  ") -> list[str]:
    return fitted(rows, columns, indent) if columns else table(rows, indent)


def _listed(texts: Iterable[str], columns: int) -> Iterator[str]:
    prose = min(columns or _READABLE, _READABLE)
    for text in texts:
        first, *rest = (wrap_within if columns else wrap_freely)(text, prose - 4)
        yield from [f"  - {first}", *(f"    {line}" for line in rest)]

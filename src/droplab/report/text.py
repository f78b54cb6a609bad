"""The verdict in plain words, laid out for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from droplab.analysis import Verdict
from droplab.errors import plain
from droplab.records import ExperimentRecord
from droplab.report.align import table, wrap
from droplab.report.wording import wording


def render(verdict: Verdict, record: ExperimentRecord, lang: str = "en") -> str:
    """What ``wording`` makes of the same arguments as one text; prose is wrapped at 100 columns, tables are not."""
    said = wording(verdict, record, lang)
    lines = [*wrap(said.title), "", *wrap(said.advice)]
    for remark in said.beside:
        lines += ["", *wrap(remark, indent="  ")]
    for finding in said.findings:
        lines += ["", *wrap(finding.heading)]
        for group in finding.groups:
            lines += wrap(group.heading, indent="  ") if group.heading else []
            lines += table([row[:5] for row in group.rows], "    " if group.heading else "  ")
    lines += [line for text in said.underfits for line in wrap(text, indent="  ")]
    lines += ["", said.arms_title, *table(said.arms)]
    if said.notices:
        lines += ["", said.notices_title, *_listed(said.notices)]
    lines += ["", said.reading_title, *_listed(said.notes)]
    return plain("\n".join(lines))


def _listed(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        first, *rest = wrap(text, 96)
        yield from [f"  - {first}", *(f"    {line}" for line in rest)]

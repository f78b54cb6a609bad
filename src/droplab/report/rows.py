"""The verdict as rows of a table, for a README or a paper."""

from __future__ import annotations

from typing import Literal, NamedTuple

from droplab.align import markdown
from droplab.analysis import Effect, Verdict
from droplab.errors import plain
from droplab.records import ExperimentRecord
from droplab.report.deployed import status
from droplab.report.locale import Speaker
from droplab.report.numbers import interval, number

Form = Literal["markdown", "latex"]
_LATEX = {**{sign: f"\\{sign}" for sign in "&%$#_{}"}, "\\": r"\textbackslash{}", "~": r"\textasciitilde{}"}
_LATEX |= {"^": r"\textasciicircum{}", "−": "$-$", "±": r"$\pm$", "≥": r"$\ge$", "×": r"$\times$"}
_LATEX |= {sign: f"${sign}$" for sign in "<>|"}


class Line(NamedTuple):
    """One arm."""

    arm: str
    seeds: str
    difference: str
    interval: str
    answer: str


def rows(verdict: Verdict, record: ExperimentRecord, form: Form, lang: str = "en") -> str:
    """One row per arm: seeds, difference of the primary measure, the interval on which the answer rests, the answer.

    Args:
        verdict: what the statistics allow.
        record: the experiment.
        form: ``markdown``, or ``latex`` with booktabs' rules.
        lang: ``en`` or ``ja``.
    """
    say = Speaker(lang)
    head = Line(
        say("column.arm"),
        say("rows.seeds"),
        say("rows.difference", baseline=record.baseline),
        say("rows.interval"),
        say("rows.answer"),
    )
    table = [head, *lines(verdict, lang)]
    if form == "markdown":
        cells = [[markdown(plain(cell)) for cell in line] for line in table]
        first, *rest = [f"| {' | '.join(line)} |" for line in cells]
        return "\n".join([first, "| --- | ---: | ---: | --- | --- |", *rest])
    first, *rest = (_row([_latex(cell) for cell in line]) for line in table)
    return "\n".join(
        [r"\begin{tabular}{lrrll}", r"\toprule", first, r"\midrule", *rest, r"\bottomrule", r"\end{tabular}"]
    )


def lines(verdict: Verdict, lang: str) -> list[Line]:
    """Every arm but the baseline; numbers and answers as they are read."""
    say = Speaker(lang)
    main = verdict.primary
    if main is not None:
        unit = main.end.measure.unit
        return [
            Line(
                found.arm,
                str(len(found.seeds)),
                number(unit, found.mean) if found.values else "",
                interval(unit, found.low, found.high),
                status(found, main, say),
            )
            for found in main.answers
        ]
    primary = verdict.questions.primary
    judged = [effect for effect in verdict.effects if effect.role == "val" and effect.measure is primary]
    return [_line(effect, verdict, say) for effect in judged]


def _line(effect: Effect, verdict: Verdict, say: Speaker) -> Line:
    """Set "1": the primary measure at the last epoch."""
    meant = verdict.consequence(effect)
    return Line(
        effect.arm,
        str(len(effect.seeds)),
        number(effect.unit, effect.mean) if effect.seeds else "",
        interval(effect.unit, effect.adjusted_low, effect.adjusted_high),
        say(f"status.{meant}"),
    )


def _row(cells: list[str]) -> str:
    """A row; what begins with ``[`` or ``*`` would be taken for a part of the end of the row before."""
    return f"{'{}' if cells[0].startswith(('[', '*')) else ''}{' & '.join(cells)} \\\\"


def _latex(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in " ".join(plain(text).split()))

"""Tables: CSV files, data frames, and droplab's own exports of metrics."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from droplab.errors import DataError, UserError, quote, suggest
from droplab.foreign.measures import wanted_measures
from droplab.foreign.runs import ForeignRun, in_order, number
from droplab.foreign.wanted import Wanted

Row = tuple[str, Mapping[str, Any]]
"""Where it is, for messages, and its cells."""

_LONG = {"epoch", "metric", "value"}
"""Columns of ``droplab export csv``, beside arm and seed: one row per run, epoch and metric."""
_UNENDED = {"planned", "running", "interrupted"}
"""States of an export's runs that are no outcome yet."""
_EPOCHS = ("epoch", "step")


def read_csv(path: Path, wanted: Wanted) -> list[ForeignRun]:
    """The runs of a CSV file, separated by commas, semicolons or tabs.

    Raises:
        DataError: no table, or cells that are no numbers.
        UserError: a column that is not there.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        raise DataError(
            f"{path} is no UTF-8 text ({problem.reason} at byte {problem.start}); save it as UTF-8"
        ) from None
    head = text.partition("\n")[0]
    lines = csv.reader(text.splitlines(), delimiter=max(",;\t", key=head.count))
    names = [name.strip() for name in next(lines, [])]
    if len(names) < 2:
        raise DataError(f"{path} is no table: its first line is {quote(head)}; column names are wanted there")
    check_names(str(path), names)
    rows = []
    for place, cells in enumerate(lines, 2):
        if not cells:
            continue
        if len(cells) != len(names):
            raise DataError(f"{path} line {place} has {len(cells)} cells where the first line names {len(names)}")
        rows.append((f"{path} line {place}", dict(zip(names, map(str.strip, cells), strict=True))))
    return _runs(str(path), names, rows, wanted)


def read_columns(columns: Mapping[str, Sequence[Any]], wanted: Wanted) -> list[ForeignRun]:
    """The runs of a data frame's columns; errors as ``read_csv``."""
    names = [str(name) for name in columns]
    rows = [
        (f"row {place}", dict(zip(names, cells, strict=True)))
        for place, cells in enumerate(zip(*columns.values(), strict=True))
    ]
    return _runs("the table", names, rows, wanted)


def check_names(what: str, names: Sequence[str]) -> None:
    """See that no two columns have one name.

    Raises:
        DataError: two do.
    """
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{what} has two columns {quote(twice)}; give one of them another name")


def _runs(what: str, names: Sequence[str], rows: Sequence[Row], wanted: Wanted) -> list[ForeignRun]:
    seed, epoch = wanted.seed, wanted.epoch
    arms = [name.strip() for name in (wanted.arm or "arm").split(",") if name.strip()]
    for flag, column in (*(("arm", name) for name in arms), ("seed", seed), *([("epoch", epoch)] if epoch else [])):
        if column not in names:
            raise UserError(
                f"{what} has no column {quote(column)}; it has {', '.join(names[:20])}{suggest(column, names)}. "
                f"--{flag} names it"
            )
    fields = (*arms, seed)
    kept: dict[tuple[str, ...], list[Row]] = {}
    for where, row in rows:
        kept.setdefault(tuple(str(row[name]) for name in fields), []).append((where, row))
    asked = {figure.source for figure in wanted_measures(wanted.measures)}
    if set(names) >= _LONG and "value" not in asked:
        return _long(kept.values(), fields)
    return _wide(kept.values(), fields, names, epoch or next((name for name in _EPOCHS if name in names), ""), asked)


def _wide(
    kept: Iterable[Sequence[Row]], fields: Sequence[str], names: Sequence[str], steps: str, asked: set[str]
) -> list[ForeignRun]:
    """A column for each figure, and a row for each run or epoch."""
    figures = [name for name in names if name not in {*fields, steps}]
    found: list[tuple[Row, dict[str, list[tuple[float, float]]], float]] = []
    for cells in kept:
        if not steps and len(cells) > 1:
            raise UserError(
                f"{cells[0][0]} and {cells[1][0]} are the same arm and seed; name the column of epochs (--epoch), or "
                "what else tells arms apart (--arm COLUMN,COLUMN)"
            )
        curves = {name: curve for name in figures if (curve := _curve(name, steps, cells, strict=name in asked))}
        last = max(number(row[steps], f"{where}, {steps},") for where, row in cells) if steps else 0.0
        found.append((cells[0], curves, last))
    for name in figures:
        _told_blank([(curves[name], last) for _, curves, last in found if name in curves])
    return [ForeignRun(where, {name: row[name] for name in fields}, curves) for (where, row), curves, _ in found]


def _curve(name: str, steps: str, cells: Sequence[Row], *, strict: bool) -> list[tuple[float, float]]:
    """A column of one run by step, without blanks; a text is an error only where a measure was asked for."""
    points: list[tuple[float, float]] = []
    for place, (where, row) in enumerate(cells):
        if _blank(row[name]):
            continue
        step = number(row[steps], f"{where}, {steps},") if steps else float(place)
        try:
            points.append((step, number(row[name], f"{where}, {name},")))
        except DataError:
            if strict:
                raise
            return []
    if steps:
        _check_once(cells[0][0], steps, points)
    return sorted(points)


def _told_blank(curves: Sequence[tuple[list[tuple[float, float]], float]]) -> None:
    """Add NaN where a run went on, and a figure was due by its own rhythm and is blank: so tables write what diverged.

    Args:
        curves: of one figure, each run's points, and the last step of all its rows.
    """
    gaps = [
        max((after - before for (before, _), (after, _) in pairwise(points)), default=math.inf) for points, _ in curves
    ]
    usual = min(gaps, default=math.inf)
    for (points, last), gap in zip(curves, gaps, strict=True):
        if last - points[-1][0] >= (gap if gap < math.inf else usual):
            points.append((last, math.nan))


def _blank(value: Any) -> bool:
    """An empty cell of a file; None, NaN or NA of a data frame."""
    if isinstance(value, str):
        return not value.strip()
    try:
        return value is None or bool(value != value)  # noqa: PLR0124  # NaN
    except TypeError:  # pandas' NA is neither
        return True


def _check_once(where: str, steps: str, points: Sequence[tuple[float, float]]) -> None:
    if len({step for step, _ in points}) < len(points):
        raise UserError(
            f"{where}: the same arm and seed have {steps} twice; name what else tells arms apart (--arm COLUMN,COLUMN)"
        )


def _long(kept: Iterable[Sequence[Row]], fields: Sequence[str]) -> list[ForeignRun]:
    """Droplab's own export; its apostrophes before what a spreadsheet would take for a formula go."""
    found = []
    for cells in kept:
        (first, row), curves = cells[0], dict[str, list[tuple[float, float]]]()
        state = row.get("state")
        if state in _UNENDED:
            continue
        for where, of in cells:
            if not _blank(of["metric"]):
                point = (number(of["epoch"], f"{where}, epoch,"), number(of["value"], f"{where}, value,"))
                curves.setdefault(str(of["metric"]).removeprefix("'"), []).append(point)
        for points in curves.values():
            _check_once(first, "epoch", points)
        described = {name: str(row[name]).removeprefix("'") for name in fields}
        ordered = {name: in_order(points) for name, points in curves.items()}
        found.append(ForeignRun(first, described, ordered, "it failed" if state == "failed" else ""))
    return found

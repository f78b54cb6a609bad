"""Tables: CSV files, data frames, and droplab's own exports of metrics."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from droplab.errors import DataError, UserError, quote, suggest
from droplab.foreign.measures import wanted_measures
from droplab.foreign.runs import Curve, ForeignRun, in_order, number
from droplab.foreign.wanted import Wanted

_LONG = {"arm", "seed", "epoch", "metric", "value"}
"""Columns of ``droplab export csv``: one row per run, epoch and metric."""
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
    rows = []
    for place, cells in enumerate(lines, 2):
        if not cells:
            continue
        if len(cells) != len(names):
            raise DataError(f"{path} line {place} has {len(cells)} cells where the first line names {len(names)}")
        rows.append((f"{path} line {place}", dict(zip(names, cells, strict=True))))
    return _runs(str(path), names, rows, wanted)


def read_columns(columns: Mapping[str, Sequence[Any]], wanted: Wanted) -> list[ForeignRun]:
    """The runs of a data frame's columns; errors as ``read_csv``."""
    names = [str(name) for name in columns]
    rows = [
        (f"row {place}", dict(zip(names, cells, strict=True)))
        for place, cells in enumerate(zip(*columns.values(), strict=True))
    ]
    return _runs("the table", names, rows, wanted)


def _runs(
    what: str, names: Sequence[str], rows: Sequence[tuple[str, Mapping[str, Any]]], wanted: Wanted
) -> list[ForeignRun]:
    if set(names) >= _LONG:
        return _long(rows)
    seed, epoch = wanted.seed, wanted.epoch
    arms = [name.strip() for name in (wanted.arm or "arm").split(",") if name.strip()]
    for flag, column in (*(("arm", name) for name in arms), ("seed", seed), *([("epoch", epoch)] if epoch else [])):
        if column not in names:
            raise UserError(
                f"{what} has no column {quote(column)}; it has {', '.join(names[:20])}{suggest(column, names)}. "
                f"--{flag} names it"
            )
    asked = {figure.source for figure in wanted_measures(wanted.measures)}
    steps = epoch or next((name for name in _EPOCHS if name in names), "")
    kept: dict[tuple[Any, ...], list[tuple[str, Mapping[str, Any]]]] = {}
    for where, row in rows:
        kept.setdefault((*(str(row[name]) for name in arms), str(row[seed])), []).append((where, row))
    found = []
    for cells in kept.values():
        if not steps and len(cells) > 1:
            raise UserError(
                f"{cells[0][0]} and {cells[1][0]} are the same arm and seed; name the column of epochs (--epoch), or "
                "what else tells arms apart (--arm COLUMN,COLUMN)"
            )
        (where, first), fields = cells[0], (*arms, seed)
        figures = [name for name in names if name not in {*fields, steps}]
        curves = {name: curve for name in figures if (curve := _curve(name, steps, cells, strict=name in asked))}
        found.append(ForeignRun(where, {name: first[name] for name in fields}, curves))
    return found


def _curve(name: str, steps: str, cells: Sequence[tuple[str, Mapping[str, Any]]], *, strict: bool) -> Curve:
    """A column of one run, without blanks; a text is an error only where a measure was asked for."""
    points: list[tuple[float, float]] = []
    for place, (where, row) in enumerate(cells):
        value = row[name]
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        step = number(row[steps], f"{where}, {steps},") if steps else float(place)
        try:
            points.append((step, number(value, f"{where}, {name},")))
        except DataError:
            if strict:
                raise
            return []
    if steps and len({step for step, _ in points}) < len(points):
        raise UserError(
            f"{cells[0][0]}: the same arm and seed have {steps} twice; name what else tells arms apart "
            "(--arm COLUMN,COLUMN)"
        )
    return points


def _long(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[ForeignRun]:
    """Droplab's own export; its apostrophes before what a spreadsheet would take for a formula go."""
    curves: dict[tuple[str, str], dict[str, list[tuple[float, float]]]] = {}
    first: dict[tuple[str, str], tuple[str, Mapping[str, Any]]] = {}
    for where, row in rows:
        key = (str(row["arm"]).removeprefix("'"), str(row["seed"]))
        first.setdefault(key, (where, row))
        point = (number(row["epoch"], f"{where}, epoch,"), number(row["value"], f"{where}, value,"))
        curves.setdefault(key, {}).setdefault(str(row["metric"]).removeprefix("'"), []).append(point)
    return [
        ForeignRun(
            first[key][0],
            {"arm": key[0], "seed": key[1]},
            {name: in_order(points) for name, points in found.items()},
            "it failed" if first[key][1].get("state") == "failed" else "",
        )
        for key, found in curves.items()
    ]

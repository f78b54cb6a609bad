"""Lightning's CSV logs: ``metrics.csv`` beside ``hparams.yaml`` in a folder for each run."""

from __future__ import annotations

import csv
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from droplab.errors import DataError, UserError
from droplab.foreign.runs import ForeignRun, flat, in_order, number, path_fields

NAME = "metrics.csv"
_NOT_FIGURES = {"step", "epoch"}


def read_logs(home: Path) -> list[ForeignRun]:
    """The run of each folder with a ``metrics.csv``: one value per epoch, the last that was logged in it.

    Raises:
        DataError: a file that is no such log.
    """
    return [_run(home, path) for path in sorted(home.rglob(NAME))]


def _run(home: Path, path: Path) -> ForeignRun:
    points: dict[str, list[tuple[float, float]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if not {"epoch", "step"} & set(rows.fieldnames or ()):
            raise DataError(f"{path} is no log of Lightning's: it has no column epoch or step")
        if {"metric", "value"} <= set(rows.fieldnames or ()):
            raise DataError(f"{path} is no log of Lightning's but one table; judge the file itself")
        for place, row in enumerate(rows, 2):
            where = f"{path} line {place}"
            step = number(row.get("epoch") or row.get("step"), f"{where}, epoch,")
            for name, text in row.items():
                if name not in _NOT_FIGURES and isinstance(text, str) and text.strip():
                    points.setdefault(name, []).append((step, number(text, f"{where}, {name},")))
    fields = {**path_fields(path.parent, home), **_settings(path.with_name("hparams.yaml"))}
    return ForeignRun(str(path.parent), fields, {name: in_order(found) for name, found in points.items()})


def _settings(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    if find_spec("yaml") is None:
        raise UserError(f"{path} is read with a package that is not here: pip install pyyaml")
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as problem:
        raise DataError(f"{path} cannot be read as plain YAML: {str(problem).splitlines()[0]}") from None
    return dict(flat(found)) if isinstance(found, dict) else {}

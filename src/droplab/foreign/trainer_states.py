"""Hugging Face's ``trainer_state.json``, one tree of folders per run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from droplab.errors import DataError
from droplab.foreign.runs import ForeignRun, in_order, path_fields

NAME = "trainer_state.json"
_NOT_FIGURES = {"step", "epoch"}


def read_states(home: Path) -> list[ForeignRun]:
    """The run of each folder that has a state, its own or that of its last checkpoint.

    Raises:
        DataError: a file that is no trainer state.
    """
    latest: dict[Path, tuple[int, Path, dict[str, Any]]] = {}
    for path in sorted(home.rglob(NAME)):
        state = _state(path)
        place = path.parent.parent if path.parent.name.startswith("checkpoint-") else path.parent
        step = int(state.get("global_step", 0))
        if place not in latest or step >= latest[place][0]:
            latest[place] = (step, path, state)
    return [_run(home, place, path, state) for place, (_, path, state) in latest.items()]


def _state(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as problem:
        raise DataError(f"{path} cannot be read as JSON: {problem}") from None
    if not isinstance(state, dict) or not isinstance(state.get("log_history"), list):
        raise DataError(f"{path} is no trainer state: it has no log_history")
    return state


def _run(home: Path, place: Path, path: Path, state: dict[str, Any]) -> ForeignRun:
    points: dict[str, list[tuple[float, float]]] = {}
    for name, step, value in _logged(state["log_history"]):
        points.setdefault(name, []).append((step, value))
    trial = state.get("trial_params")
    fields = {**path_fields(place, home), **(trial if isinstance(trial, dict) else {})}
    return ForeignRun(str(path), fields, {name: in_order(found) for name, found in points.items()})


def _logged(history: Iterable[Any]) -> Iterable[tuple[str, float, float]]:
    for entry in history:
        if isinstance(entry, dict):
            for name, value in entry.items():
                if name not in _NOT_FIGURES and isinstance(value, (int, float)) and not isinstance(value, bool):
                    yield name, float(entry.get("step", 0)), float(value)

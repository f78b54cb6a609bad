"""Which reader a file or folder wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from droplab.errors import UserError
from droplab.foreign.lightning_logs import NAME as METRICS
from droplab.foreign.lightning_logs import read_logs
from droplab.foreign.mlflow_store import read_store, store_in
from droplab.foreign.runs import ForeignRun
from droplab.foreign.table import read_csv
from droplab.foreign.tensorboard_files import PATTERN, read_events
from droplab.foreign.trainer_states import NAME as STATE
from droplab.foreign.trainer_states import read_states
from droplab.foreign.wandb_offline import SUFFIX, read_offline
from droplab.foreign.wanted import Wanted
from droplab.ledger import FILE_NAME

_FOLDERS: Sequence[tuple[str, Callable[[Path], bool], Callable[[Path], list[ForeignRun]]]] = (
    ("an MLflow store", lambda place: bool(store_in(place)), read_store),
    ("W&B offline runs", lambda place: _has(place, f"*{SUFFIX}"), read_offline),
    ("Hugging Face's trainer states", lambda place: _has(place, STATE), read_states),
    ("TensorBoard's event files", lambda place: _has(place, PATTERN), read_events),
    ("Lightning's CSV logs", lambda place: _has(place, METRICS), read_logs),
)
FORMATS = ("a CSV file", *(name for name, _, _ in _FOLDERS))
"""What can be read, in the order in which it is looked for."""


def read_runs(place: Path, wanted: Wanted) -> list[ForeignRun]:
    """The runs of a file or folder.

    Raises:
        UserError: nothing is there, or nothing that can be read.
        DataError: what is there is not what its name says.
    """
    if not place.exists():
        raise UserError(f"there is nothing at {place}")
    if (place / FILE_NAME).is_file():
        raise UserError(f"{place} is an experiment of droplab's own; `droplab verdict {place}` judges it")
    if place.is_file() and not store_in(place) and place.suffix != SUFFIX:
        return read_csv(place, wanted)
    for _, suits, read in _FOLDERS:
        if suits(place):
            return read(place)
    raise UserError(f"{place} holds nothing that can be judged; {', '.join(FORMATS)} can be")


def _has(place: Path, pattern: str) -> bool:
    if place.is_file():
        return place.match(pattern)
    return next(place.rglob(pattern), None) is not None

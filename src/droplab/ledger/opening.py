"""The ledger of an experiment's folder."""

from __future__ import annotations

from pathlib import Path

from droplab.errors import UserError
from droplab.ledger.files import FILE_NAME, exists
from droplab.ledger.reader import LedgerReader
from droplab.ledger.writer import Ledger
from droplab.records import ExperimentRecord


def read_experiment(folder: Path) -> ExperimentRecord:
    """What the ledger of a folder holds, finished or not.

    Raises:
        UserError: the folder has no ledger.
        LedgerError: the ledger cannot be read.
    """
    with open_experiment(folder) as ledger:
        return ledger.read()


def open_experiment(folder: Path) -> LedgerReader:
    """The open ledger of a folder, for reading.

    Raises:
        UserError: the folder has no ledger.
        LedgerError: the ledger cannot be read.
    """
    return LedgerReader.open(_path(folder))


def change_experiment(folder: Path) -> Ledger:
    """The open ledger of a folder, to add to it.

    Raises:
        UserError: the folder has no ledger.
        LedgerError: the ledger cannot be written.
    """
    return Ledger.open(_path(folder))


def _path(folder: Path) -> Path:
    path = folder / FILE_NAME
    if not exists(path):
        raise UserError(f"{folder} holds no experiment (no {FILE_NAME} in it); `droplab compare` makes one")
    return path

"""The ledger: one SQLite file that holds an experiment's design, runs, metrics, events and environments.

Only the driving process writes it. Each epoch is one transaction, replaced as a whole when a resumed run
measures it again, so no row is lost or doubled. WAL mode lets others read meanwhile. What is read is checked
against seals that were written with it, so that a file that rots says so.
"""

from droplab.ledger.files import FILE_NAME, exists
from droplab.ledger.opening import change_experiment, open_experiment, read_experiment
from droplab.ledger.reader import LedgerReader, OpenLedger
from droplab.ledger.schema import SCHEMA_VERSION
from droplab.ledger.text import now
from droplab.ledger.writer import Ledger

__all__ = [
    "FILE_NAME",
    "SCHEMA_VERSION",
    "Ledger",
    "LedgerReader",
    "OpenLedger",
    "change_experiment",
    "exists",
    "now",
    "open_experiment",
    "read_experiment",
]

"""Every error that droplab raises on purpose, as one tree.

::

    DroplabError                     exit code 1
    ├── UserError (ValueError)       exit code 2: what was asked for cannot be done as asked
    │   ├── SpecError                a spec with unknown keys, wrong values; holds all problems at once
    │   ├── SiteError                a site pattern that matches nothing in the model
    │   ├── DataError                data of the wrong shape, range or content
    │   │   └── ChecksumError        bytes that are not the published ones
    │   ├── ModelError               an unknown model, or a model function that raises
    │   ├── DesignError              a folder that holds a different experiment
    │   ├── BackendError             a kernel backend that is unknown, missing or on the wrong device
    │   ├── KeyingError              keyed dropout that cannot be carried out as asked
    │   ├── RankError (RuntimeError) an input with the wrong number of dimensions, as torch raises it
    │   └── InPlaceError (RuntimeError) writing in place where torch refuses
    └── FailureError                 exit code 1: the request was fine, the world was not
        ├── DivergedError            a run met NaN or infinity; names step and layer
        ├── CheckpointError          no checkpoint of a run can be read
        ├── DownloadError            no mirror answered with the right bytes
        ├── LedgerError              the ledger cannot be read or written
        ├── LockedError              another process works on the folder
        ├── SinkError            a sink failed while it was written on request
        └── InterruptedRunError      Ctrl-C or SIGTERM; carries its own exit code (130, 143)

Every message says what arrived, what was wanted and what to do next. The command line prints the
message and exits with ``exit_code``; it never shows a traceback for one of these.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class DroplabError(Exception):
    """The root of the tree."""

    exit_code = 1


class UserError(DroplabError, ValueError):
    """What was asked for cannot be done as asked."""

    exit_code = 2


class SpecError(UserError):
    """A spec that does not hold; ``problems`` has one line for each thing wrong."""

    def __init__(self, problems: Sequence[str], source: str = "the spec") -> None:
        self.problems = tuple(problems)
        self.source = source
        count = len(self.problems)
        head = f"{source} has {count} problem{'s' if count != 1 else ''}:"
        super().__init__("\n".join([head, *(f"  - {p}" for p in self.problems)]))

    def __reduce__(self) -> tuple[type[SpecError], tuple[tuple[str, ...], str]]:
        return type(self), (self.problems, self.source)


class SiteError(UserError):
    """A site pattern that matches nothing in the model."""


class DataError(UserError):
    """Data of the wrong shape, range or content."""


class ChecksumError(DataError):
    """Bytes that are not the published ones."""


class ModelError(UserError):
    """An unknown model, or a model function that raises."""


class DesignError(UserError):
    """A folder that holds a different experiment."""


class BackendError(UserError):
    """A kernel backend that is unknown, not installed, or on the wrong device."""


class KeyingError(UserError):
    """Keyed dropout that cannot be carried out as asked: names that collide, a layer called twice in one step."""


class RankError(UserError, RuntimeError):
    """An input with the wrong number of dimensions; a ``RuntimeError`` too, as torch's dropout layers raise."""


class InPlaceError(UserError, RuntimeError):
    """Writing in place where torch refuses; a ``RuntimeError`` too, as torch raises. Nothing was written."""


class FailureError(DroplabError):
    """The request was fine, the world was not."""


class DivergedError(FailureError):
    """A run met NaN or infinity; ``step`` (counted from 0) and ``layer`` name where it began."""

    def __init__(self, message: str, step: int = -1, layer: str = "") -> None:
        self.step = step
        self.layer = layer
        super().__init__(message)

    def __reduce__(self) -> tuple[type[DivergedError], tuple[str, int, str]]:
        return type(self), (str(self), self.step, self.layer)


class CheckpointError(FailureError):
    """No checkpoint of a run can be read."""


class DownloadError(FailureError):
    """No mirror answered with the right bytes."""


class LedgerError(FailureError):
    """The ledger cannot be read or written."""


class LockedError(FailureError):
    """Another process works on the folder."""


class SinkError(FailureError):
    """A sink failed while it was written on request; the ledger is unharmed."""


class InterruptedRunError(FailureError):
    """Ctrl-C or SIGTERM arrived; what was computed is kept."""

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def suggest(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'epochs'?"`` where a known word is close, else an empty string.

    >>> suggest("epohcs", ["epochs", "seeds"])
    "; did you mean 'epochs'?"
    >>> suggest("zzz", ["epochs"])
    ''
    """
    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""

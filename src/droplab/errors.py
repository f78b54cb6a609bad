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
        ├── SinkError                a sink failed while it was written on request
        └── InterruptedRunError      Ctrl-C or SIGTERM; carries its own exit code (130, 143)

Outside the tree are exceptions that never reach a caller: ``StoppedError`` (``training/port.py``: an epoch is given
up), ``_DriverGoneError`` (``executors/worker.py``) and ``_MirrorError`` (``data/download.py``); a ``ValueError`` of a
spec's validator, which pydantic gathers into a ``SpecError``; and where ``torch.compile`` traces, which cannot make an
error of droplab's, a ``ValueError`` with the words of ``KeyingError`` or ``InPlaceError``.

Every message says what arrived, what was wanted and what to do next. The command line prints the
message and exits with ``exit_code``; it never shows a traceback for one of these.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any

LONGEST = 300
"""Characters of what arrived that a message repeats at most."""
MOST_LINES = 20
"""Problems that a message lists; the rest are counted."""

_CONTROLS = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"},
    0x7F: "\u2421",
    **dict.fromkeys(range(0x80, 0xA0), "\ufffd"),
}
_USER_INFO = re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]*://)[^\s/]*@")
_LONG_WORD = re.compile(rf"\S{{{LONGEST + 1},}}")


def masked(text: str) -> str:
    """Text whose addresses show no user and no password.

    >>> masked("mlflow ui --backend-store-uri http://me:secret@host:5000/x")
    'mlflow ui --backend-store-uri http://***@host:5000/x'
    """
    return _USER_INFO.sub(r"\1***@", text)


def plain(text: str) -> str:
    r"""Text that cannot steer a terminal and tells no password: what the user is shown goes through here.

    Control characters but tab and new line become visible signs; of addresses, user and password are masked.

    Names come from folders of other people's, and a terminal obeys what it is sent.

    >>> plain("arm\x1b]0;title\x07")
    'arm␛]0;title␇'
    """
    return masked(text.translate(_CONTROLS))


def clip(text: str, most: int = LONGEST) -> str:
    """Text with its middle left out where it is longer than ``most``.

    >>> clip("x" * 1000, 20)
    'xxxxxxxxxxxx … xxxxx'
    """
    if len(text) <= most:
        return text
    head = (most - 3) * 3 // 4
    return f"{text[:head]} … {text[len(text) - (most - 3 - head) :]}"


def quote(value: Any) -> str:
    """``repr`` of something that arrived, fit for a message: never long, and never an error of its own.

    >>> quote("epohcs"), len(quote("x" * 10**6))
    ("'epohcs'", 300)
    """
    try:
        text = repr(value[:LONGEST] if isinstance(value, str | bytes) and len(value) > 10 * LONGEST else value)
    except Exception as problem:  # noqa: BLE001  # a class of the user's, or an integer of 5,000 digits
        return f"a {type(value).__name__} that cannot be shown ({type(problem).__name__})"
    return clip(text)


def quote_text(problem: BaseException) -> str:
    """The text of an exception of the user's, fit for a message; one whose ``__str__`` raises has none.

    >>> quote_text(ValueError("x" * 1000)) == clip("x" * 1000)
    True
    """
    try:
        return clip(str(problem))
    except Exception:  # noqa: BLE001  # whatever the user's class does
        return "(its text cannot be had)"


class DroplabError(Exception):
    """The root of the tree. Its message steers no terminal, and no word of it is longer than 300 characters."""

    exit_code = 1

    @property
    def code(self) -> str:
        """A word for the kind of error, which no language and no wording changes.

        >>> SiteError("…").code, InPlaceError("…").code, UserError("…").code
        ('site', 'in-place', 'user')
        """
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__.removesuffix("Error")).lower()

    def __str__(self) -> str:  # not in __init__, through which no error could be raised while torch.compile traces
        return plain(_LONG_WORD.sub(lambda word: clip(word[0]), super().__str__()))


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
        lines = [f"  - {p}" for p in self.problems[:MOST_LINES]]
        more = [f"  … and {count - MOST_LINES} more"] if count > MOST_LINES else []
        super().__init__("\n".join([head, *lines, *more]))

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
    """Keyed dropout that cannot be carried out as asked: names that collide, a recomputation that is unknown."""


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
    if len(word) > LONGEST:
        return ""
    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


_LONGEST = 2000


def words_of(problem: BaseException) -> str:
    r"""An exception in words, whatever it is: its type and text, or that ``sys.exit`` was called.

    Its text is what other people's code made: it may raise, hold what UTF-8 cannot, or have no end.

    >>> words_of(KeyError("a")), words_of(SystemExit(0)), words_of(OSError("caf\udce9"))
    ("KeyError: 'a'", 'sys.exit(0) was called', 'OSError: caf\\udce9')
    """
    try:
        text = f"sys.exit({problem.code!r}) was called" if isinstance(problem, SystemExit) else str(problem)
    except Exception as second:  # noqa: BLE001  # whatever it is
        text = f"(its text cannot be had: {type(second).__name__})"
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]} … ({len(text)} characters)"
    return text if isinstance(problem, SystemExit) else f"{type(problem).__name__}: {text}"

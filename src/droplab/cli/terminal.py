"""What the command line says: on any stream, in any encoding, and never as an order to the terminal."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Iterable
from contextlib import suppress

from rich.console import Console
from rich.text import Text

from droplab.errors import FailureError, plain

_ERRORS = "droplab.readable"
_UNLIMITED = 10_000
"""Columns of what is read by a program, or line by line."""
_INSTEAD = {
    "≥": ">=",
    "≤": "<=",
    "−": "-",
    "–": "-",
    "—": "-",
    "×": "x",
    "·": "-",
    "…": "...",
    "→": "->",
    "±": "+-",
    "½": "1/2",
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
    "≈": "~",
    "√": "sqrt",
    "α": "alpha",
    "β": "beta",
    "■": "#",
    "▪": "+",
    "▫": "-",
    "□": ".",
    "✗": "x",
    "━": "=",
    "─": "-",
}
"""Signs of our own texts that older encodings lack; anything else that one lacks becomes a question mark."""


def _readable(problem: UnicodeError) -> tuple[str, int]:
    if not isinstance(problem, UnicodeEncodeError):
        raise problem
    lacking = problem.object[problem.start : problem.end]
    return "".join(_INSTEAD.get(sign, "?") for sign in lacking), problem.end


codecs.register_error(_ERRORS, _readable)


def prepare_streams() -> None:
    """Make standard streams that take any text, where they are closed or their encoding has not every character.

    On a Japanese or Western Windows ``droplab verdict DIR > file.txt`` writes cp932 or cp1252, which lack signs of
    the verdict. A stream that is closed (``>&-``) goes nowhere; its number is taken, lest a file that is opened later
    get it and whatever is printed.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            with suppress(OSError):
                _take(number)
            setattr(sys, name, open(os.devnull, "r+" if number else "r", encoding="utf-8"))  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors != _ERRORS:
            stream.reconfigure(errors=_ERRORS)


def _take(number: int) -> None:
    """Open the null device under a number that is free."""
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, os.O_RDWR)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        os.set_inheritable(number, True)


class _Drawn(io.StringIO):
    """Styled text on its way to standard output."""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # None in the class above
        """As standard output's."""
        return getattr(sys.stdout, "encoding", None) or "utf-8"


def say(text: object) -> None:
    """Print a result on standard output.

    Raises:
        FailureError: it cannot be written there, as the disk behind it is full.
    """
    _write(plain(str(text)))


def columns() -> int:
    """How wide what is printed may be: the terminal's columns, or ``COLUMNS``; 0 where nobody says, as in a pipe."""
    given = os.environ.get("COLUMNS", "")
    return Console().width if given.isdecimal() or Console().is_terminal else 0


def say_bold(text: str) -> None:
    """Print a line of headings: bold on a terminal that wants colours.

    Raises:
        FailureError: as ``say``.
    """
    say_styled([Text(plain(text), "bold")])


def say_styled(lines: Iterable[Text]) -> None:
    """Print lines with their colours, where a terminal wants them; their texts are plain already.

    Raises:
        FailureError: as ``say``.
    """
    real = Console()
    if not real.is_terminal or real.no_color:
        _write("\n".join(line.plain for line in lines))
        return
    drawn = _Drawn()
    console = Console(file=drawn, width=_UNLIMITED, force_terminal=True)
    for line in lines:
        console.print(line, soft_wrap=True)
    _write(drawn.getvalue().rstrip("\n"))


def hand_out(data: str) -> None:
    """Print data for a program or a file, already plain; characters that the encoding lacks stay told apart.

    Raises:
        FailureError: as ``say``.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    _write(data, end="")


def _write(text: str, end: str = "\n") -> None:
    try:
        print(text, end=end)  # noqa: T201  # the command line speaks here
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise _lost(problem) from problem


def finish() -> None:
    """Send what is still held back.

    Raises:
        FailureError: as ``say``.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise _lost(problem) from problem


def _lost(problem: OSError) -> FailureError:
    silence()
    return FailureError(f"standard output cannot be written: {problem.strerror or problem}")


def silence() -> None:
    """Let standard output go nowhere from now on, so that nothing fails a second time when Python ends."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(text: object) -> None:
    """Say on standard error why a command failed; where nobody listens there, the exit code has to do."""
    with suppress(OSError, ValueError):
        print(plain(f"droplab: {text}"), file=sys.stderr, flush=True)  # noqa: T201


def tell_aside(text: str) -> None:
    """Say on standard error what is going on."""
    with suppress(OSError, ValueError):
        print(plain(text), file=sys.stderr, flush=True)  # noqa: T201


def cell(text: object) -> Text:
    r"""Someone's text in a table or a line: no markup, no control sequence, one line.

    >>> cell("[red]a\nb").plain
    '[red]a b'
    """
    return Text(" ".join(plain(str(text)).splitlines()))

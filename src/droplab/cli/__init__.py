"""The command line: one command per file, nothing heavy imported before a command runs."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cyclopts import App, CycloptsError

from droplab._version import __version__
from droplab.cli import data, export
from droplab.cli.audit import audit
from droplab.cli.board import board
from droplab.cli.compare import compare
from droplab.cli.figure import figure
from droplab.cli.final import final
from droplab.cli.forget import forget
from droplab.cli.helping import group, in_language, program
from droplab.cli.init import init
from droplab.cli.judge import judge
from droplab.cli.kinds import kinds
from droplab.cli.launch import launch
from droplab.cli.note import note
from droplab.cli.plan import plan
from droplab.cli.rename import rename
from droplab.cli.report import report
from droplab.cli.runs import runs
from droplab.cli.spelling import spelt_out
from droplab.cli.terminal import complain, finish, prepare_streams, silence
from droplab.cli.translating import translate
from droplab.cli.verdict import verdict
from droplab.cli.warned import told_warnings
from droplab.cli.words import language, speak
from droplab.errors import DroplabError

ABOUT = "Does dropout help this model, where, which kind, how much? A controlled experiment answers."
COMMANDS: Mapping[str, Callable[..., Any]] = {
    **{one.__name__: one for one in (compare, launch, board, report, figure, runs, verdict, judge)},
    **{one.__name__: one for one in (plan, note, forget, rename, init, kinds, audit)},
    "test": final,
}
"""A command by its name."""
GROUPS: Mapping[str, tuple[str, Callable[[], Mapping[str, Callable[..., None]]]]] = {
    "export": (export.ABOUT, export.commands),
    "data": (data.ABOUT, data.commands),
}
"""Commands of two words, with what is said of their first."""


def build(given: Sequence[str], lang: str) -> App:
    """The command line, whose help is in a language; commands of two words where the first is among those given."""
    app = program(__version__, ABOUT, lang)
    for name, command in COMMANDS.items():
        app.command(in_language(name, command, lang), name=name)
    for name, (about, commands) in GROUPS.items():
        app.command(group(name, about, commands() if name in given else {}, lang))
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 fine, 2 the user's mistake, 1 a failure, 130 or 143 interrupted."""
    typed = sys.argv[1:] if arguments is None else arguments
    try:
        prepare_streams()
        lang = speak(typed)
        given = spelt_out(typed, GROUPS)
        app = build(given, lang)
        with told_warnings():
            app(given, exit_on_error=False, print_error=lang == "en", result_action="return_value")
        finish()
    except CycloptsError as problem:
        if language() != "en":  # else cyclopts has printed what was wrong
            complain(translate(str(problem), language()))
        sys.exit(2)
    except DroplabError as problem:
        complain(translate(str(problem), language()))
        sys.exit(problem.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `droplab runs DIR | head`
        silence()
        sys.exit(141)
    except OSError as problem:  # of a path that was given: too long, not to be read, on a disk that is gone
        where = f"{problem.filename}: " if problem.filename else ""
        complain(f"{where}{translate(problem.strerror or str(problem), language())}")
        sys.exit(2 if problem.errno in {errno.ENAMETOOLONG, errno.ELOOP} else 1)

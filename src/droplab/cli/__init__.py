"""The command line: one command per file, nothing heavy imported before a command runs."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from droplab._version import __version__
from droplab.cli.audit import audit
from droplab.cli.compare import compare
from droplab.cli.data import data
from droplab.cli.export import export
from droplab.cli.final import final
from droplab.cli.forget import forget
from droplab.cli.init import init
from droplab.cli.judge import judge
from droplab.cli.kinds import kinds
from droplab.cli.launch import launch
from droplab.cli.note import note
from droplab.cli.plan import plan
from droplab.cli.rename import rename
from droplab.cli.report import report
from droplab.cli.runs import runs
from droplab.cli.terminal import complain, finish, prepare_streams, silence
from droplab.cli.verdict import verdict
from droplab.errors import DroplabError

app = App(
    name="droplab",
    help="Does dropout help this model, where, which kind, how much? A controlled experiment answers.",
    version=__version__,
)
for command in (compare, launch, report, runs, verdict, judge, plan, note, forget, rename, init):
    app.command(command)
app.command(final, name="test")
app.command(export)
app.command(data)
app.command(kinds)
app.command(audit)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 fine, 2 the user's mistake, 1 a failure, 130 or 143 interrupted."""
    try:
        prepare_streams()
        app(arguments, exit_on_error=False, print_error=True, result_action="return_value")
        finish()
    except CycloptsError:
        sys.exit(2)  # cyclopts has printed what was wrong
    except DroplabError as problem:
        complain(problem)
        sys.exit(problem.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `droplab runs DIR | head`
        silence()
        sys.exit(141)
    except OSError as problem:  # of a path that was given: too long, not to be read, on a disk that is gone
        where = f"{problem.filename}: " if problem.filename else ""
        complain(f"{where}{problem.strerror or problem}")
        sys.exit(2 if problem.errno in {errno.ENAMETOOLONG, errno.ELOOP} else 1)

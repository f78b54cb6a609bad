"""``droplab export``."""

from __future__ import annotations

import sys
from pathlib import Path

from cyclopts import App

export = App(name="export", help="Write an experiment's numbers in other formats.")


@export.command
def csv(folder: Path, *, effects: bool = False, output: Path | None = None) -> None:
    """Write metrics as CSV: one row per run, epoch and metric; or the effects with their intervals.

    Args:
        folder: The experiment's folder.
        effects: The effects instead of the metrics.
        output: A file that does not exist yet (default: standard output).
    """
    from droplab.comparison import Results
    from droplab.errors import FailureError, UserError
    from droplab.report import write_effects, write_metrics

    results = Results.read(folder)

    def write(stream: object) -> None:
        if effects:
            write_effects(results.verdict, stream)  # type: ignore[arg-type]
        else:
            write_metrics(results.record, stream)  # type: ignore[arg-type]

    if output is None:
        write(sys.stdout)
        return
    try:
        with output.open("x", encoding="utf-8", newline="") as file:
            write(file)
    except FileExistsError:
        raise UserError(f"{output} exists already and is left as it is; name another file") from None
    except OSError as problem:
        raise FailureError(f"{output} cannot be written: {problem.strerror or problem}") from problem

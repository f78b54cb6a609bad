"""``droplab runs``."""

from __future__ import annotations

from pathlib import Path


def runs(folder: Path) -> None:
    """List the runs of an experiment: state, epochs, last measures.

    Args:
        folder: The experiment's folder.
    """
    from rich.table import Table

    from droplab.analysis import spared
    from droplab.cli.terminal import cell, say, show
    from droplab.languages import Count
    from droplab.ledger import read_experiment
    from droplab.measures import glance

    record = read_experiment(folder)
    table = Table(title=cell(f"{record.name} · {folder}"), title_justify="left")
    idle = spared(record)
    shown = glance(record.measures, record.metrics)
    for heading in ("arm", "seed", "state", "epochs", *(name.replace("_", " ") for name in shown)):
        table.add_column(cell(heading), justify="left" if heading in {"arm", "state"} else "right")
    for key, run in record.runs.items():
        last = [run.metrics[name][-1] if name in run.metrics else None for name in shown]
        figures = ["" if value is None else f"{value:.4f}" for value in last]
        table.add_row(
            cell(key.arm),
            str(key.seed),
            cell("not needed" if key in idle else run.state),
            f"{run.epochs_done}/{record.epochs or run.epochs_done}",
            *figures,
        )
    show(table)
    for key, run in record.runs.items():
        if run.state == "failed":
            say(f"{key} failed: {run.reason}")
    say(f"The test set was opened {Count(record.test_openings):time|times}.")

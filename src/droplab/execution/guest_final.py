"""The test set of an experiment on a user's own loop: opened by a function of theirs, and counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from droplab.errors import UserError, quote
from droplab.execution.final import StoredRun
from droplab.execution.guest_trained import loop_models, only
from droplab.execution.lock import folder_lock
from droplab.ledger import change_experiment
from droplab.records import RunKey
from droplab.training.figures import number
from droplab.training.run import Loop
from droplab.training.seeding import borrowed_generators


@dataclass(frozen=True)
class FinalFigures:
    """A run's figures on the test set, and how often the experiment has opened it so far."""

    run: RunKey
    figures: Mapping[str, float]
    openings: int


def final_figures(
    run: StoredRun, test: Callable[[Any], Mapping[str, Any]], *, loop: Loop | None = None
) -> FinalFigures:
    """Open the test set for a finished run of a loop of your own; the ledger records that it was opened.

    Do this once, after every choice is made. The event is written before ``test`` is called, so that an opening is
    counted even where the evaluation fails. Keep the test set to ``test`` alone: droplab cannot know what a loop reads.

    Args:
        run: a run whose state is ``done``: one of ``results.runs``.
        test: called with the run's model, in eval mode, on the CPU, with its last weights; with a dict of models by
            name where the loop prepared several. Returns figures by name.
        loop: the loop; where absent, what the experiment's spec names.

    Raises:
        UserError: the run is unknown or not done, its models cannot be built again, or ``test`` returns no figures.
        CheckpointError: the run's last checkpoint cannot be read.
        LockedError: the experiment is running.
    """
    with folder_lock(run.folder), change_experiment(run.folder) as ledger:
        record = ledger.read()
        if "loop" not in record.spec:
            raise UserError(
                f"{record.name!r} was trained by droplab's own loop, whose test set droplab.final_evaluation opens"
            )
        models = loop_models(ledger, run.folder, run.key.arm, run.key.seed, loop)
        ledger.event("test set opened", run.key)
        with borrowed_generators():
            found = test(only(models))
        if not isinstance(found, Mapping) or not found:
            raise UserError(f"test returned {quote(found)}; a dict of figures is wanted, {{'loss': 0.5}}")
        figures = {str(name): number(str(name), value) for name, value in found.items()}
        ledger.event("test set result", run.key, **figures)
        return FinalFigures(run.key, figures, record.test_openings + 1)

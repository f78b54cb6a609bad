"""``droplab test``."""

from __future__ import annotations

from pathlib import Path


def final(folder: Path, *, arm: str | None = None, data_dir: Path | None = None) -> None:
    """Open the test set for finished runs. Do this once, after every choice is made.

    The ledger counts how often it was opened; nothing that droplab decides ever looks at it.

    Args:
        folder: The experiment's folder.
        arm: Only the runs of this arm.
        data_dir: Where the data set is, if it has moved since.
    """
    from droplab.cli.terminal import say
    from droplab.errors import UserError, suggest
    from droplab.execution import StoredRun, final_evaluation
    from droplab.languages import Count
    from droplab.ledger import read_experiment

    record = read_experiment(folder)
    if arm is not None and arm not in record.arms:
        raise UserError(f"no arm {arm!r} in {folder}; its arms: {', '.join(record.arms)}{suggest(arm, record.arms)}")
    keys = [key for key, run in record.runs.items() if run.state == "done" and arm in {None, key.arm}]
    if not keys:
        raise UserError(f"{folder} has no finished run to evaluate; `droplab runs {folder}` shows their states")
    for key in keys:
        result = final_evaluation(StoredRun(folder, key), data_dir=data_dir)
        say(f"{key}: {', '.join(f'test {name} {value:.4f}' for name, value in result.figures.items())}")
    openings = Count(record.test_openings + len(keys))
    say(f"The test set has been opened {openings:time|times} in this experiment.")

"""``droplab test``."""

from __future__ import annotations

from pathlib import Path


def final(folder: Path, *, arm: str | None = None, data_dir: Path | None = None, lang: str | None = None) -> None:
    """Open the test set for finished runs. Do this once, after every choice is made.

    The ledger counts how often it was opened; nothing that droplab decides ever looks at it.

    Args:
        folder: The experiment's folder.
        arm: Only the runs of this arm.
        data_dir: Where the data set is, if it has moved since.
        lang: Language, en or ja (default: $DROPLAB_LANG, then the system's).
    """
    from droplab.cli.terminal import say
    from droplab.cli.words import language, words
    from droplab.errors import UserError, suggest
    from droplab.execution import StoredRun, final_evaluation
    from droplab.ledger import read_experiment

    language(lang)
    record = read_experiment(folder)
    if arm is not None and arm not in record.arms:
        raise UserError(f"no arm {arm!r} in {folder}; its arms: {', '.join(record.arms)}{suggest(arm, record.arms)}")
    keys = [key for key, run in record.runs.items() if run.state == "done" and arm in {None, key.arm}]
    if not keys:
        raise UserError(f"{folder} has no finished run to evaluate; `droplab runs {folder}` shows their states")
    for key in keys:
        result = final_evaluation(StoredRun(folder, key), data_dir=data_dir)
        figures = (words("test.figure", name=name, value=f"{value:.4f}") for name, value in result.figures.items())
        say(f"{words('run', arm=key.arm, seed=str(key.seed))}: {', '.join(figures)}")
    say(words("test.opened", count=record.test_openings + len(keys)))

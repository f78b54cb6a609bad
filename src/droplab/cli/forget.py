"""``droplab forget``."""

from __future__ import annotations

from pathlib import Path


def forget(folder: Path, *, arm: str, seed: int, reason: str = "") -> None:
    """Forget a run: all that it measured, and its checkpoints. The same `droplab compare` trains it again.

    The ledger keeps that it was forgotten, and why; where it had measured anything, the verdict says so.

    Args:
        folder: The experiment's folder.
        arm: The run's arm.
        seed: The run's seed.
        reason: Why, in your words.
    """
    from droplab.cli.terminal import say
    from droplab.execution.amend import forget_run
    from droplab.languages import Count
    from droplab.records import RunKey

    epochs = Count(forget_run(folder, arm, seed, reason))
    say(f"{RunKey(arm, seed)} is forgotten, {epochs:epoch|epochs}; the same `droplab compare` trains it again.")

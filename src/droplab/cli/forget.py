"""``droplab forget``."""

from __future__ import annotations

from pathlib import Path


def forget(folder: Path, *, arm: str, seed: int, reason: str = "", lang: str | None = None) -> None:
    """Forget a run: all that it measured, and its checkpoints. The same `droplab compare` trains it again.

    The ledger keeps that it was forgotten, and why; where it had measured anything, the verdict says so.

    Args:
        folder: The experiment's folder.
        arm: The run's arm.
        seed: The run's seed.
        reason: Why, in your words.
        lang: Language, en or ja (default: $DROPLAB_LANG, then the system's).
    """
    from droplab.cli.terminal import say
    from droplab.cli.words import language, words
    from droplab.execution.amend import forget_run
    from droplab.records import RunKey

    language(lang)
    say(words("forget.done", run=str(RunKey(arm, seed)), epochs=forget_run(folder, arm, seed, reason)))

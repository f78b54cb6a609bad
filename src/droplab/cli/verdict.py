"""``droplab verdict``."""

from __future__ import annotations

from pathlib import Path


def verdict(folder: Path, *, lang: str = "en") -> None:
    """Print the verdict of an experiment, finished or not.

    Args:
        folder: The experiment's folder.
        lang: Language, en or ja.
    """
    from droplab.cli.terminal import say
    from droplab.comparison import Results

    say(Results.read(folder).text(lang))

"""``droplab rename``."""

from __future__ import annotations

from pathlib import Path


def rename(folder: Path, name: str, *, lang: str | None = None) -> None:
    """Show an experiment under another name.

    Its folder stays where it is, and its spec continues it there (`--out`) under the old name and the new one.

    Args:
        folder: The experiment's folder.
        name: The new name.
        lang: Language, en or ja (default: $DROPLAB_LANG, then the system's).
    """
    from droplab.cli.words import language
    from droplab.execution.amend import rename_experiment

    language(lang)
    rename_experiment(folder, name)

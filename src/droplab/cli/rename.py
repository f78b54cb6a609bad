"""``droplab rename``."""

from __future__ import annotations

from pathlib import Path


def rename(folder: Path, name: str) -> None:
    """Show an experiment under another name.

    Its folder stays where it is, and its spec continues it there (`--out`) under the old name and the new one.

    Args:
        folder: The experiment's folder.
        name: The new name.
    """
    from droplab.execution.amend import rename_experiment

    rename_experiment(folder, name)

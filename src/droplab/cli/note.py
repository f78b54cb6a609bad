"""``droplab note``."""

from __future__ import annotations

from pathlib import Path


def note(folder: Path, text: str) -> None:
    """Add a note to an experiment; the page shows it.

    Args:
        folder: The experiment's folder.
        text: The note.
    """
    from droplab.errors import UserError
    from droplab.ledger import change_experiment

    if not text.strip():
        raise UserError('the note is empty; write it in quotes: droplab note DIR "what I saw"')
    with change_experiment(folder) as ledger:
        ledger.event("user note", text=text)

"""``droplab note``."""

from __future__ import annotations

from pathlib import Path


def note(folder: Path, text: str, *, lang: str | None = None) -> None:
    """Add a note to an experiment; the page shows it.

    Args:
        folder: The experiment's folder.
        text: The note.
        lang: Language, en or ja (default: $DROPLAB_LANG, then the system's).
    """
    from droplab.cli.words import language
    from droplab.errors import UserError
    from droplab.ledger import change_experiment

    language(lang)
    if not text.strip():
        raise UserError('the note is empty; write it in quotes: droplab note DIR "what I saw"')
    with change_experiment(folder) as ledger:
        ledger.event("user note", text=text)

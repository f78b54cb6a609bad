"""Warnings of droplab's as its other messages, in the language that is spoken; those of others as they were."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from droplab.cli.terminal import complain
from droplab.cli.translating import is_ours, translate
from droplab.cli.words import language, words
from droplab.warned import told_by


def told_warnings() -> AbstractContextManager[None]:
    """Within it, they go to standard error without the line of source that Python adds."""
    return told_by(_tell)


def _tell(message: Warning | str, *_about: Any, **_more: Any) -> bool:
    ours = is_ours(str(message))
    if ours:
        complain(words("warned", text=translate(str(message), language())))
    return ours

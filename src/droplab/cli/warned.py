"""Warnings of droplab's as its other messages, in the language that is spoken; those of others as they were."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from droplab.cli.terminal import complain
from droplab.cli.translating import is_ours, translate
from droplab.cli.words import language, words


@contextmanager
def told_warnings() -> Iterator[None]:
    """Within it, they go to standard error without the line of source that Python adds."""
    others = warnings.showwarning

    def tell(message: Warning | str, *about: Any, **more: Any) -> None:
        if is_ours(str(message)):
            complain(words("warned", text=translate(str(message), language())))
        else:
            others(message, *about, **more)

    warnings.showwarning = tell
    try:
        yield
    finally:
        if warnings.showwarning is tell:
            warnings.showwarning = others

"""Warnings of a process that trains, heard in the one that has started it."""

from __future__ import annotations

import builtins
import os
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any, TextIO, final

from droplab.warned import told_by


def sent(send: Callable[..., None]) -> AbstractContextManager[None]:
    """Within it, what this process would show of warnings is sent instead, in the words of ``Heard.hear``.

    A warning of a class that not every process has stays here, and so does one of a process forked from this one, such
    as a loader's worker.
    """
    owner = os.getpid()

    def tell(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,  # noqa: ARG001  # as ``warnings.showwarning`` is called
    ) -> bool:
        known = file is None and os.getpid() == owner and getattr(builtins, category.__name__, None) is category
        if known:
            send("warned", str(message), category, filename, lineno)
        return known

    return told_by(tell)


@final
class Heard:
    """Gives warnings of other processes to the filters of this one, each once for all of them."""

    def __init__(self) -> None:
        self._known = set[tuple[Any, ...]]()

    def hear(self, text: str, category: type[Warning], filename: str, lineno: int) -> None:
        """A warning; where this process would raise it, it was said elsewhere and only shown."""
        if (text, category, filename, lineno) in self._known:
            return
        self._known.add((text, category, filename, lineno))
        try:
            warnings.warn_explicit(text, category, filename, lineno)
        except category:
            with suppress(Exception):  # whoever shows it has a mistake
                warnings.showwarning(category(text), category, filename, lineno)

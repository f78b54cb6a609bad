"""Notices of a run, each told once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from droplab.records import Notice
from droplab.training.port import Port


@final
class Once:
    """What the reader of the results should know, in the order in which it was met first."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._told: set[str] = set()

    def __contains__(self, code: str) -> bool:
        return code in self._told

    def tell(self, code: str, detail: Mapping[str, Any] | None = None) -> bool:
        """Whether it is new."""
        new = code not in self._told
        if new:
            self._told.add(code)
            self._port.notice(Notice(code, detail=detail or {}))
        return new

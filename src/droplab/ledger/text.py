"""Texts on their way into SQLite and back: whatever they hold, they can be written."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any


def now() -> str:
    """The present moment in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def writable(text: str) -> str:
    r"""The text with what UTF-8 cannot hold escaped: a file name that is not UTF-8 has such characters.

    >>> writable("caf\udce9")
    'caf\\udce9'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def to_json(value: Any) -> str:
    r"""JSON that UTF-8 can hold; ``json.loads`` gives the value back, odd characters included.

    >>> json.loads(to_json({"name": "caf\udce9"})) == {"name": "caf\udce9"}
    True
    """
    return writable(json.dumps(value, ensure_ascii=False))

"""Arms as words of a command line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

_NEXT = re.compile(r"\+(?=[A-Za-z_]\w*=)")
"""Before a change; the plus of ``1e+3`` is none."""


def listed(text: str, known: Iterable[str]) -> list[str]:
    """Words that commas part; an arm whose own name has commas is one of them.

    >>> listed("0, dropout 0.5, linear, 0.1", ["dropout 0.5, linear"])
    ['0', 'dropout 0.5, linear', '0.1']
    """
    names, parts, found = set(known), text.split(","), list[str]()
    while parts:
        lengths = [end for end in range(len(parts), 1, -1) if ",".join(parts[:end]).strip() in names]
        taken = lengths[0] if lengths else 1
        found.append(",".join(parts[:taken]).strip())
        parts = parts[taken:]
    return found


def written(word: str) -> dict[str, Any] | None:
    """The arm of a rate, of changes of the recipe, or of both; ``None`` where the word is neither.

    >>> written("0.25+weight_decay=0.01")
    {'name': 'dropout 0.25, weight_decay 0.01', 'p': 0.25, 'recipe': {'weight_decay': 0.01}}
    >>> written("0"), written("drop")
    ({'name': 'no dropout', 'p': 0.0}, None)
    """
    first, *changes = _NEXT.split(word)
    if "=" in first:
        first, changes = "0", [first, *changes]
    try:
        rate = float(first)
    except ValueError:
        return None
    if not changes:
        return {"name": f"dropout {word}" if rate else "no dropout", "p": rate}
    from droplab.spec.read_arms import read_arm

    pairs = (change.partition("=") for change in changes)
    return dict(read_arm({"p": rate, "recipe": {key.strip(): _value(value.strip()) for key, _, value in pairs}}))


def _value(text: str) -> Any:
    """A value as TOML has it, and a word alone as itself.

    >>> [_value(text) for text in ("0.01", "true", "flip-crop", "none")]
    [0.01, True, 'flip-crop', 'none']
    """
    with suppress(tomllib.TOMLDecodeError):
        return tomllib.loads(f"value = {text}")["value"]
    return text

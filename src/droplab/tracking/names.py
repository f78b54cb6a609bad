"""Names that every sink's server and file system takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from droplab.measures import PARTS


def slug(text: str, most: int = 60) -> str:
    """Letters, digits, dots and dashes only; never empty.

    >>> slug("dropout 0.5"), slug("<b>"), slug("🙂")
    ('dropout-0.5', 'b', 'x')
    """
    return re.sub(r"[^\w.]+", "-", text).strip("-.")[:most] or "x"


def grouped(name: str) -> str:
    """A metric's name as tools group metrics: by what stands before the slash.

    >>> grouped("val_loss"), grouped("fit_loss"), grouped("gap"), grouped("grad_norm/fc1.weight")
    ('val/loss', 'fit/loss', 'gap', 'grad_norm/fc1.weight')
    """
    part, _, rest = name.partition("_")
    return f"{part}/{rest}" if part in PARTS and rest else name


def bin_edges(low: float, high: float, bins: int) -> list[float]:
    """The edges of equal bins, the last one exact.

    >>> bin_edges(0.0, 1.0, 4)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    return [low + (high - low) * place / bins for place in range(bins)] + [high]


def flat(values: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Nested tables under dotted names, for tools that cannot nest; rates by site stay one entry.

    >>> dict(flat({"arm": {"p": {"conv*": 0.1}, "kind": "dropout"}, "seed": 0}))
    {'arm.p': {'conv*': 0.1}, 'arm.kind': 'dropout', 'seed': 0}
    """
    for key, value in values.items():
        name = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping) and value and key != "p":
            yield from flat(value, name)
        else:
            yield name, value


def as_text(value: Any) -> str:
    """A value of a config as a tool shows it.

    >>> as_text("adam"), as_text({"conv*": 0.1}), as_text(None)
    ('adam', '{"conv*": 0.1}', 'null')
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def shortened(text: str, most: int) -> str:
    r"""At most so many characters, whole lines where there are several.

    >>> shortened("one\ntwo\nthree", 9), shortened("three", 9)
    ('one\ntwo…', 'three')
    """
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    return (cut.rpartition("\n")[0] or cut) + "…"

"""Hostile input by the thousand, from fixed seeds: values, specs, texts of TOML, command lines, bytes."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import numpy as np

TEXTS = (
    *("", " ", "a", "no dropout", "dropout", "linear", "*", "drop*", "drop1", "fc1:in", "conv2:out", "conv*:out", "["),
    *("**", "x" * 400, "あ" * 200, "🦜" * 90, "\x1b]0;t\x07", "a\nb\tc\r", "\ud800", "\x00", "../..", "/", "~", "-"),
    *("--help", "nan", "inf", "1e400", "0.5", "true", "None", "<script>", "{x}", "%s%n", "'; DROP TABLE runs; --"),
    *("math:sqrt", "builtins:dict", "builtins:type", "no_such_module:f", "tests.cli.hostile:TEXTS", "a:b:c", ":"),
    *("x.npz", "tutorial-cnn", "srivastava-mlp", "fashion-mnist-mini", "unit_dropout_linear", "drop_block2d", "cuda:7"),
    "sparse_variational_linear",
)
NUMBERS = (
    *(0, 1, -1, 2, 3, 10, 255, 2**31, 2**63, 2**64, 10**30, 10**400, True, False),
    *(0.0, -0.0, 0.25, 0.5, 1.0, 1.5, -0.5, 1e-300, 1e300, 5e-324, float("nan"), float("inf"), float("-inf")),
)
OBJECTS = (
    *(None, b"bytes", b"\xff\xfe", {1, 2}, object(), int, len, 3j, range(3), dt.date(1979, 5, 27), dt.time(7, 32)),
    *(dt.datetime(1979, 5, 27, tzinfo=dt.UTC), np.int64(3), np.float32(0.5), np.bool_(True), np.zeros(3), np.array(2)),
    *(np.str_("a"), np.nan, np.datetime64("now"), ValueError("x")),
)
KEYS = (
    *("name", "p", "layer", "schedule", "data", "model", "recipe", "compute", "seeds", "arms", "baseline", "options"),
    *(
        "epochs",
        "batch_size",
        "lr",
        "optimizer",
        "augmentation",
        "precision",
        "train_size",
        "validation_size",
        "inputs",
    ),
    *("split_seed", "executor", "workers", "threads", "device", "start", "end", "target", "gain", "mode", "block_size"),
    *("parts", "at"),
)
SCHEDULES = (
    *("linear", "cosine", "step", "warm-up", "early", "late", "curriculum", "depth-ramp", "piecewise", "chain", "min"),
    *("product", "adaptive-gap", "adaptive-slope"),
)
TREE: dict[str, Any] = {
    "name": "x",
    "data": {"name": "fashion-mnist-mini", "train_size": 60, "split_seed": 0, "options": {}, "inputs": "auto"},
    "model": {"name": "tutorial-cnn", "options": {}},
    "recipe": {"epochs": 1, "batch_size": 32, "lr": 1e-3, "optimizer": "adam", "precision": "float32", "max_norm": 3.0},
    "compute": {"executor": "serial", "workers": 1, "threads": 1, "device": "auto"},
    "seeds": 2,
    "baseline": "no dropout",
    "arms": [
        {"name": "no dropout", "p": 0.0},
        {"name": "a", "p": {"drop1": 0.25, "conv2:out": 0.1}, "schedule": {"name": "linear", "start": 0.0, "end": 1.0}},
        {"name": "b", "p": 0.5, "layer": {"name": "drop_block2d", "block_size": 3}},
    ],
}


class Hostile:
    """Draws of one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def value(self, depth: int = 0) -> Any:  # noqa: PLR0911  # one line a kind
        """Anything that Python can hand over."""
        draw = self.random
        kind = draw.random()
        if kind < 0.35 or depth > 3:
            return draw.choice(TEXTS)
        if kind < 0.65:
            return draw.choice(NUMBERS)
        if kind < 0.75:
            return draw.choice(OBJECTS)
        size = draw.choice((0, 1, 2, 3, 40))
        if kind < 0.85:
            items = [self.value(depth + 1) for _ in range(size)]
            return draw.choice((list, tuple))(items)
        if kind < 0.87:
            nested: Any = 1
            for _ in range(draw.choice((30, 60, 150))):
                nested = [nested] if draw.random() < 0.5 else {"a": nested}
            return nested
        if kind < 0.92:
            return {"name": draw.choice(SCHEDULES), draw.choice(KEYS): self.value(depth + 1)}
        keys = [draw.choice((draw.choice(KEYS), draw.choice(TEXTS), draw.choice(NUMBERS))) for _ in range(size)]
        return {key: self.value(depth + 1) for key in keys}

    def spec(self) -> dict[Any, Any]:
        """A good spec in which one to four things are wrong, or not."""
        spec = _copy(TREE)
        for _ in range(self.random.randint(1, 4)):
            table = self.random.choice(_tables(spec))
            known = list(table) if self.random.random() < 0.8 else [*KEYS, *TEXTS]
            if known and self.random.random() < 0.9:
                table[self.random.choice(known)] = self.value()
            elif table:
                del table[self.random.choice(list(table))]
        return spec

    def damaged(self, content: bytes) -> bytes:
        """Bytes with flips, cuts, stretches written over, and pieces put in."""
        data = bytearray(content)
        for _ in range(self.random.choice((1, 1, 2, 5, 40))):
            at = self.random.randrange(len(data) or 1)
            what = self.random.random()
            if what < 0.45 and data:
                data[at % len(data)] ^= 1 << self.random.randrange(8)
            elif what < 0.6:
                del data[at : at + self.random.choice((1, 7, 400, len(data)))]
            elif what < 0.8:
                data[at : at + 16] = self.random.randbytes(self.random.choice((1, 16, 64)))
            else:
                piece = self.random.choice(TEXTS).encode("utf-8", "surrogatepass")
                data[at:at] = self.random.choice((piece, b"9" * 5000, b"[" * 600, b"\xef\xbb\xbf", b"= {", b'"""'))
        return bytes(data)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _tables(value: Any) -> list[dict[Any, Any]]:
    found = [value] if isinstance(value, dict) else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return found + [table for item in inner for table in _tables(item)]


def toml(spec: dict[str, Any]) -> str:
    """Those values of a spec that TOML has, written down."""

    def written(value: Any) -> str | None:  # noqa: PLR0911  # one line a kind
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int):
            return str(value) if value.bit_length() < 64 else None
        if isinstance(value, float):
            return repr(value)
        if isinstance(value, str):
            return '"' + "".join(f"\\u{ord(c):04x}" if ord(c) < 32 or c in '"\\\x7f' else c for c in value) + '"'
        if isinstance(value, dict):
            pairs = [(written(str(key)), written(item)) for key, item in value.items()]
            return "{ " + ", ".join(f"{key} = {item}" for key, item in pairs if item is not None) + " }"
        if isinstance(value, list | tuple):
            return "[" + ", ".join(item for one in value if (item := written(one)) is not None) + "]"
        return None

    return "\n".join(
        f"{written(str(key))} = {text}" for key, item in spec.items() if (text := written(item)) is not None
    )

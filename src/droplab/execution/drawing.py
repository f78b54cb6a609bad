"""Samples, targets and outputs as contents of a page: texts, rows of tables, small images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from droplab.contents import Cells, Content, Pixels, Text
from droplab.records import are_images
from droplab.tasks.sketch import Sketch

SIDE = 96
"""Pixels of an image's longer side at most; every second one is left out, or more, until it fits."""
PIECES = 240
"""Tokens of a text at most, and CELLS of a row."""
CELLS = 24
_COLOURS = (
    (38, 38, 38), (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0),
    (204, 121, 167), (160, 160, 160), (120, 60, 180), (150, 220, 120), (255, 200, 200),
)  # fmt: skip
"""Of classes in maps (Okabe and Ito's, told apart under colour blindness, and four more); then they begin again."""
_NOWHERE = (255, 255, 255)
_TOKENS = frozenset({torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64})
_MORE = "…"


def input_of(inputs: Any, vocabulary: Sequence[str] = ()) -> Content | None:
    """What one sample's inputs look like: images, tokens, numbers; ``None`` where it is none of them.

    >>> input_of(torch.tensor([1, 0]), ("a", "b"))
    Text(pieces=(('b', False), ('a', False)))
    >>> input_of({"input_ids": torch.tensor([1, 0]), "attention_mask": torch.tensor([1, 0])})
    Text(pieces=(('1', False),))
    >>> input_of({"numbers": torch.tensor([0.5])})
    Cells(cells=(('numbers 1', '0.5'),))
    """
    if isinstance(inputs, Tensor):
        if are_images(inputs.shape):
            return pixels(inputs)
        if inputs.ndim == 1 and inputs.dtype in _TOKENS:
            return text(inputs.tolist(), vocabulary)
        return Cells(_cells("", inputs)) if inputs.ndim == 1 else None
    if isinstance(inputs, Mapping) and "input_ids" in inputs:  # as transformers name them
        ids = inputs["input_ids"]
        mask = inputs.get("attention_mask", torch.ones_like(ids))
        return text(ids[mask != 0].tolist(), vocabulary) if ids.ndim == 1 else None
    if isinstance(inputs, Mapping) and all(isinstance(one, Tensor) and one.ndim == 1 for one in inputs.values()):
        found = tuple(cell for name, one in inputs.items() for cell in _cells(f"{name} ", one))
        return Cells(found[:CELLS])
    return None


def _cells(name: str, values: Tensor) -> tuple[tuple[str, str], ...]:
    return tuple((f"{name}{at + 1}", f"{value:.4g}") for at, value in enumerate(values[:CELLS].tolist()))


def text(tokens: Sequence[int], vocabulary: Sequence[str], truth: Sequence[int] = ()) -> Text:
    """Tokens as words of the vocabulary, or as their numbers; wrong where the truth counts and is another.

    An ellipsis stands for what is left out, which may be wrong too.
    """
    between = " " if not vocabulary or max(map(len, vocabulary)) > 1 else ""
    pieces = []
    for at, token in enumerate(tokens[:PIECES]):
        known = 0 <= token < len(vocabulary)
        said = "" if token < 0 else vocabulary[token] if known else str(token)
        wrong = bool(truth) and truth[at] >= 0 and truth[at] != token
        pieces.append((said + between, wrong))
    if len(tokens) > PIECES:
        return Text((*pieces, (_MORE, False)))
    last = [(said.rstrip(), wrong) for said, wrong in pieces[-1:]] if between else pieces[-1:]
    return Text((*pieces[:-1], *last))


def contents(sketch: Sketch, names: Sequence[str], vocabulary: Sequence[str] = ()) -> tuple[Content, Content]:
    """The truth of a sample, and what a model says.

    Args:
        sketch: of a task.
        names: of classes and labels.
        vocabulary: texts of tokens.
    """
    truth: Any = sketch.truth
    said: Any = sketch.said
    if sketch.form == "tokens":
        return text(truth, vocabulary), text(said, vocabulary, truth)
    if sketch.form == "map":
        return _map(truth), _map(said)
    if sketch.form == "numbers":
        return _numbers(truth), _numbers(said)
    return _named(truth, names, truth), _named(said, names, truth)


def _named(chosen: Sequence[float], names: Sequence[str], truth: Sequence[float]) -> Text:
    """Classes and labels, in a list; none is a dash."""
    pieces = [(names[int(one)], one not in truth) for one in chosen[:CELLS]] or [("–", bool(truth))]
    if len(chosen) > CELLS:
        pieces.append((_MORE, False))
    return Text((*((name + ", ", wrong) for name, wrong in pieces[:-1]), pieces[-1]))


def _numbers(values: Sequence[float]) -> Cells:
    names = [str(at + 1) if len(values) > 1 else "" for at in range(len(values))]
    return Cells(tuple((name, f"{value:.4g}") for name, value in zip(names, values, strict=True))[:CELLS])


def _map(rows: Sequence[Sequence[int]]) -> Pixels:
    classes = torch.tensor(rows)
    colours = torch.tensor([*_COLOURS, _NOWHERE], dtype=torch.uint8)
    places = torch.where(classes < 0, len(_COLOURS), classes % len(_COLOURS))
    return pixels(colours[places].permute(2, 0, 1))


def pixels(image: Tensor, side: int = SIDE) -> Pixels:
    """``(C, H, W)``; all but bytes are stretched from their least to their most; no side is longer, but for 0.

    NaN is drawn as the least, and what is infinite as an end.

    >>> list(pixels(torch.tensor([[[-1.0, 1.0, torch.nan, torch.inf]]])).data)
    [0, 255, 0, 255]
    """
    step = -(-max(image.shape[1:]) // side) if side else 1
    image = image[:, ::step, ::step]
    if image.dtype != torch.uint8:
        image = image.double()
        known = image[image.isfinite()]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
        image = image.nan_to_num(low, high, low)
        image = ((image - low) / max(high - low, 1e-12) * 255).round().to(torch.uint8)
    channels, height, width = image.shape
    return Pixels(width, height, channels, image.permute(1, 2, 0).contiguous().numpy().tobytes())

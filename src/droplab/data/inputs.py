"""What is done to inputs, decided by what the source calls them and never by the numbers that it happens to hold.

A part's images are uint8 where they are pixels: those are scaled to [-1, 1] when they are laid out for training.
Whatever else arrives becomes float32 and stays as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from droplab.data.parts import Part, Split
from droplab.data.source import Source
from droplab.errors import DataError

Inputs = Literal["auto", "pixels", "as-is"]
"""``auto``: as the source has them; ``pixels``: whole numbers in 0..255, scaled; ``as-is``: never scaled."""


def declare(source: Source, inputs: Inputs) -> Source:
    """The source with its inputs taken for what the user says they are.

    Raises:
        DataError: ``pixels`` that are none.

    >>> from droplab.data.parts import Part
    >>> table = Source("mine", Part(torch.full((2, 3), 255.0), torch.arange(2)), None, None, 2, ("a", "b"))
    >>> declare(table, "pixels").train
    Part(2 x (3,) uint8)
    """
    if inputs == "auto":
        return source
    make = _pixels if inputs == "pixels" else _as_is
    return replace(
        source,
        train=make(f"train of {source.name}", source.train),
        validation=source.validation and make(f"validation of {source.name}", source.validation),
        test=source.test and make(f"test of {source.name}", source.test),
    )


def _as_is(_where: str, part: Part) -> Part:
    return Part(part.images.float(), part.labels)


def _pixels(where: str, part: Part) -> Part:
    images = part.images
    if images.dtype == torch.uint8:
        return part
    if bool((images < 0).any() or (images > 255).any() or (images != images.round()).any()):
        raise DataError(
            f"images of {where} were called pixels and lie in {float(images.min()):g}..{float(images.max()):g}; wanted "
            "whole numbers in 0..255. Leave data.inputs out, and they are taken as they are."
        )
    return Part(images.to(torch.uint8), part.labels)


def described(split: Split) -> dict[str, Any]:
    """What is done to the inputs of a split, for the ledger: ``scaling``, their range before it, and one line.

    >>> from droplab.data import load
    >>> described(load("fashion-mnist-mini"))["scaling"]
    'pixels'
    """
    images = split.train.images
    low, high = _range(images)
    shape = "×".join(str(size) for size in split.shape)
    if images.dtype == torch.uint8:
        scaling, line = "pixels", f"inputs: pixels ({shape}) in {low:g}..{high:g}, scaled from 0..255 to -1..1"
    else:
        scaling, line = "none", f"inputs: numbers ({shape}) in {low:.4g}..{high:.4g}, taken as they are"
        if max(abs(low), abs(high)) > LARGE:
            line += "; networks train badly on numbers this large: scale them"
    return {"scaling": scaling, "low": low, "high": high, "text": line}


LARGE = 30.0
"""Beyond it, numbers were most likely meant to be scaled: pixels as floats, prices, years."""


def _range(images: Tensor) -> tuple[float, float]:
    low, high = images.aminmax()
    return float(low), float(high)

"""What is done to inputs, decided by what the source calls them and never by the numbers that it happens to hold.

A part's images are uint8 where they are pixels: those are scaled to [-1, 1] when they are laid out for training.
Whatever else arrives becomes float32 and stays as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from droplab.data.parts import Part
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
    return part if part.images.dtype == torch.uint8 else Part(as_pixels(where, part.images), part.labels)


def as_pixels(where: str, images: Tensor) -> Tensor:
    """Whole numbers of any type as uint8.

    Raises:
        DataError: others, or outside 0..255.

    >>> as_pixels("train", torch.tensor([0.0, 255.0]))
    tensor([  0, 255], dtype=torch.uint8)
    """
    if bool((images < 0).any() or (images > 255).any() or (images != images.round()).any()):
        raise DataError(
            f"images of {where} were called pixels and lie in {float(images.min()):g}..{float(images.max()):g}; wanted "
            "whole numbers in 0..255. Leave data.inputs out, and they are taken as they are."
        )
    return images.to(torch.uint8)

"""Single samples as they are put on a page, and those on which arms differ most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Text(NamedTuple):
    """Pieces of a text, each with whether it is wrong."""

    pieces: tuple[tuple[str, bool], ...]


class Cells(NamedTuple):
    """A row of a table: names of its columns, and what stands there."""

    cells: tuple[tuple[str, str], ...]


class Pixels(NamedTuple):
    """An image: ``(height, width, channels)``, one byte each, 1 or 3 channels."""

    width: int
    height: int
    channels: int
    data: bytes


Content = Text | Cells | Pixels


class ChangedSample(NamedTuple):
    """A validation sample on which an arm and the baseline differ; losses are means over the seeds that both have."""

    place: int
    """Place in the validation set."""
    input: Content | None
    truth: Content
    before: Content | None
    """What the baseline says with one seed; none where its model cannot be had."""
    after: Content | None
    loss_before: float
    loss_after: float


class ChangedSamples(NamedTuple):
    """For each arm but the baseline, the validation samples that changed most; or why there are none."""

    arms: Mapping[str, tuple[ChangedSample, ...]]
    seed: int | None = None
    """Whose models say what is shown."""
    why_not: str = ""


NOTHING = ChangedSamples({})

"""How targets and outputs of single samples are put on a page: plain numbers, to be drawn by whoever shows them."""

from __future__ import annotations

from typing import Literal, NamedTuple

Form = Literal["class", "numbers", "labels", "tokens", "map"]


class Sketch(NamedTuple):
    """One sample: what is true of it, and what a model says."""

    form: Form
    """``class``: one number of a class. ``numbers``: as they are. ``labels``: numbers of those that apply. ``tokens``:
    a number for each place, -1 where none counts. ``map``: rows of class numbers, -1 where none counts."""
    truth: tuple[float, ...] | tuple[tuple[int, ...], ...]
    said: tuple[float, ...] | tuple[tuple[int, ...], ...]

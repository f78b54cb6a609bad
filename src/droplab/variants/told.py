"""What is said of a kind to people, in a language: what it does, when to use it, and its row's own words. No torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from droplab.variants.arm_shown import ArmShown, arm_shown
from droplab.variants.language import said
from droplab.variants.table import TABLE


class Told(NamedTuple):
    """A kind, told."""

    name: str
    """In specs."""
    layer: str
    """The class, in ``droplab.nn``."""
    does: str
    when: str
    equation: str
    shares: str
    eval_law: str
    paper: str
    deviations: str
    has_parameters: bool
    arm: ArmShown | None
    """A spec that runs, where an arm can name the kind."""


@cache
def _rows() -> Mapping[str, Mapping[str, Any]]:
    """The rows' words, which ``scripts/faces.py`` writes from the kinds' own files."""
    rows: dict[str, dict[str, Any]] = json.loads(
        files("droplab.variants").joinpath("rows.json").read_text(encoding="utf-8")
    )
    return rows


def told(name: str, lang: str = "en") -> Told:
    """A kind in a language.

    Raises:
        UserError: no such kind, or no such language.

    >>> told("dropout2d").does
    'Drops whole feature maps of an image.'
    >>> told("dropout2d", "ja").shares
    'サンプルのチャネル'
    """
    texts = said(name, lang)
    row = dict(_rows()[name])
    model, site = row.pop("model"), row.pop("site")
    arm = arm_shown(name, model, site) if TABLE[name].in_arms else None
    return Told(name, TABLE[name].layer, arm=arm, **{**row, **texts})

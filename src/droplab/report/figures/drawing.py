"""From a name to a figure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from droplab.errors import UserError, quote, suggest
from droplab.report.figures.canvas import Canvas
from droplab.report.figures.made import Figure
from droplab.report.figures.sheet import Sheet
from droplab.report.figures.table import KINDS, WITHOUT, Kind
from droplab.report.figures.themes import DARK, LIGHT, Theme

WIDTH = "170mm"
"""Of a page with two columns of text."""
NARROWEST, WIDEST = 60.0, 1000.0
"""In millimetres."""
_WIDTH = re.compile(r"(\d+(?:\.\d+)?)\s*(mm|px)")
_INCH = 25.4


class Listed(NamedTuple):
    """A figure that there is, or is not."""

    name: str
    says: str
    """What it shows, in a sentence."""
    why: str = ""
    """Why it cannot be drawn, in English; empty where it can."""
    part: bool = False
    """One of several of its kind."""
    main: bool = True
    """Is listed among the first."""


def draw(sheet: Sheet, name: str, theme: Theme = LIGHT, width: str = WIDTH) -> Figure:
    """Draw a figure.

    Args:
        sheet: what it is drawn from.
        name: ``answer``, or ``when.val_accuracy``: a kind, and one of its parts.
        theme: its colours.
        width: ``85mm`` or ``640px``; type has the same size in every width.

    Raises:
        UserError: no such figure, nothing to draw it from, or no such width.
    """
    wide, unit = pixels(width)
    kind, part = _found(sheet, name)
    canvas = Canvas(wide, theme)
    kind.draw(sheet, canvas, part)
    shown = kind.parts(sheet)[part] if part else sheet.say(f"figure.{kind.name}")
    return Figure(name, canvas.svg(f"{sheet.name}: {shown}", unit))


def listed(sheet: Sheet) -> list[Listed]:
    """All figures of an experiment, each with what it shows, and those that it cannot have with the reason."""
    found = []
    for kind in KINDS:
        why = kind.missing(sheet)
        found.append(Listed(kind.name, sheet.say(f"figure.{kind.name}"), "".join(why[:1])))
        parts = {} if why else kind.parts(sheet)
        main = set(kind.main(sheet)) if parts else set()
        found += [Listed(f"{kind.name}.{part}", says, "", True, part in main) for part, says in parts.items()]
    return found


def themed(*, dark: bool) -> Theme:
    """The colours for paper, or for a dark ground."""
    return DARK if dark else LIGHT


def pixels(width: str) -> tuple[float, str]:
    """A width in pixels of 1/96 inch, and the unit in which it was given.

    Raises:
        UserError: it is no width, or one that nothing fits in.

    >>> pixels("254mm"), pixels("640px")
    ((960.0, 'mm'), (640.0, 'px'))
    """
    found = _WIDTH.fullmatch(width.strip())
    if found is None:
        raise UserError(f"got the width {quote(width)}; millimetres or pixels are wanted, such as 85mm or 640px")
    value, unit = float(found[1]), found[2]
    millimetres = value if unit == "mm" else value * _INCH / 96
    if not NARROWEST <= millimetres <= WIDEST:
        raise UserError(
            f"a width of {width} is too {'narrow' if millimetres < NARROWEST else 'wide'}; figures have "
            f"{NARROWEST:g} to {WIDEST:g} mm"
        )
    return millimetres * 96 / _INCH, unit


def _found(sheet: Sheet, name: str) -> tuple[Kind, str]:
    kinds = {kind.name: kind for kind in KINDS}
    first, _, part = name.partition(".")
    kind = kinds.get(first)
    if kind is None and name in WITHOUT:
        raise UserError(f"the panel {name!r} of the page has no figure; there are {', '.join(kinds)}")
    if kind is None:
        raise UserError(f"no figure {quote(name)}{suggest(name, kinds)}; there are {', '.join(kinds)}")
    why = kind.missing(sheet)
    if why:
        raise UserError(f"the figure {first!r} cannot be drawn: {why[0]}")
    parts = kind.parts(sheet)
    if part and part not in parts:
        near = difflib.get_close_matches(part, parts, n=3, cutoff=0.5) or list(parts)[:5]
        known = ", ".join(f"{first}.{one}" for one in near) or first
        raise UserError(f"no figure {quote(name)}; near it are {known}, and `droplab figure DIR --list` lists all")
    return kind, part


def shown_arm(data: Mapping[str, Any], arm: str) -> str:
    """The name of an arm that is shown beside the baseline, as it was given.

    Raises:
        UserError: no such arm, or the baseline.
    """
    experiment = data["experiment"]
    others = [name for name in experiment["arms"] if name != experiment["baseline"]]
    if arm and arm not in others:
        if arm == experiment["baseline"]:
            raise UserError(f"{quote(arm)} is the baseline, which every arm is shown beside; name another arm")
        raise UserError(f"no arm {quote(arm)}{suggest(arm, others)} (there are {', '.join(map(quote, others))})")
    return arm

"""Colours and dashes, as on the page: by consequence, six for names, an ordered ramp for numbers, grey for the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

CATEGORIES = {
    "light": ("#0060a8", "#c07800", "#6a3df0", "#900048", "#783000", "#f04860"),
    "dark": ("#60a8f0", "#f0f000", "#c06060", "#00f0d8", "#f0f090", "#d86000"),
}
RAMP = {
    "light": ("#2b0a57", "#403a9c", "#2866a8", "#14848c", "#3f8f47", "#b08810"),
    "dark": ("#7d52d8", "#5f93ea", "#35b8c0", "#7fd86a", "#f5ec6a"),
}
REST = {"light": "#8a939d", "dark": "#77818c"}
DASHES: tuple[tuple[int, ...], ...] = ((), (8, 4), (2, 3), (10, 3, 2, 3), (14, 4), (4, 2))


class Look(NamedTuple):
    """How an arm is drawn."""

    colour: str
    dash: tuple[int, ...] = ()
    rest: bool = False
    """One of too many: grey, and not named."""


class Theme(NamedTuple):
    """Colours of everything that is no arm."""

    name: str
    paper: str
    """Empty where the ground is not drawn."""
    ink: str
    soft: str
    line: str
    grid: str
    good: str
    bad: str

    def of(self, says: str) -> str:
        """The colour of a consequence."""
        return {"better": self.good, "worse": self.bad, "cost": self.bad}.get(says, self.soft)


LIGHT = Theme("light", "#ffffff", "#1b1f24", "#57606a", "#d0d7de", "#e4e8ec", "#0b5cad", "#a33b00")
DARK = Theme("dark", "#0f1318", "#e8ecf1", "#a3adb8", "#39424d", "#262d36", "#7ab8ff", "#ffa36b")
PAGE = Theme("page", "", *(f"var(--{name})" for name in ("ink", "soft", "line", "grid", "good", "bad")))
"""Within the page, whose style sheet knows whether it is light or dark."""


def looks(names: Sequence[str], numbers: Sequence[float] | None, first: Sequence[str], theme: str) -> list[Look]:
    """The looks of arms, in their order.

    Args:
        names: the arms.
        numbers: what they are doses of, if they are: then colours are ordered.
        first: arms that have a colour of their own even where there are too many.
        theme: ``light``, ``dark``, or ``page``: variables that ``variables`` sets.

    >>> looks(["a", "b"], None, [], "light")[1]
    Look(colour='#c07800', dash=(8, 4), rest=False)
    >>> [look.colour for look in looks(["a", "b", "c"], [0.0, 0.5, 0.9], [], "light")]
    ['#2b0a57', '#1e759a', '#b08810']
    """
    if theme == "page":
        light = looks(names, numbers, first, "light")
        return [look._replace(colour=f"var(--a{place})") for place, look in enumerate(light)]
    if numbers is not None:
        known = sorted(set(numbers))
        return [Look(_ramp(RAMP[theme], known.index(value) / max(1, len(known) - 1))) for value in numbers]
    palette = CATEGORIES[theme]
    ranked = list(names if len(names) <= len(palette) else dict.fromkeys([*first, *names]))
    places = [ranked.index(name) for name in names]
    return [
        Look(palette[place], DASHES[place]) if place < len(palette) else Look(REST[theme], rest=True)
        for place in places
    ]


def variables(light: Sequence[Look], dark: Sequence[Look]) -> str:
    """A style sheet that gives arms their colours within the page."""

    def rule(found: Sequence[Look]) -> str:
        return ":root{" + "".join(f"--a{place}:{look.colour};" for place, look in enumerate(found)) + "}"

    return f"{rule(light)}@media(prefers-color-scheme:dark){{{rule(dark)}}}"


def _ramp(stops: Sequence[str], share: float) -> str:
    at = min(1.0, max(0.0, share)) * (len(stops) - 1)
    start = min(int(at), len(stops) - 2)
    part = at - start

    def mixed(place: int) -> int:
        low, high = (int(stop[1 + 2 * place : 3 + 2 * place], 16) for stop in stops[start : start + 2])
        return int(low + (high - low) * part + 0.5)

    return "#" + "".join(f"{mixed(place):02x}" for place in range(3))


MARKS: Mapping[str, str] = {"better": "dot", "worse": "diamond", "cost": "diamond"}
"""The shape of a mean, which tells consequences apart where there are no colours; a ring for all others."""

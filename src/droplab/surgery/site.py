"""A site, and all sites of a model as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Self, SupportsIndex, overload

from torch import nn


class Site(NamedTuple):
    """A place where dropout acts or could act."""

    name: str
    module: nn.Module
    """The layer; of a doorway, a number or a call, the module that has it."""
    call: int = 1
    """Of a layer that is called several times in a forward pass: which call."""
    door: str = ""
    """``in`` or ``out`` of a doorway."""
    layer: Any = None
    """What drops there now and has a rate ``p``; ``None`` where nothing does."""
    level: str = ""
    """``keyed``: a function of its key. ``seeded``: torch's generators are set from the key around it, and put back.
    ``seen only``: it draws from these as they come. Empty: nothing drops there."""
    depth: int = 0
    """Place among the sites, counted from 0 at the model's input."""
    shape: tuple[int, ...] | None = None
    """What is dropped there, where a forward pass was made."""
    after: str = ""
    """What made it: a module's name or a function's; where a forward pass was made."""
    feeds: tuple[str, ...] = ()
    """The parameters that it meets next; where a forward pass was made."""

    @property
    def p(self) -> float | None:
        """Drop rate now; ``None`` where nothing drops."""
        return None if self.layer is None else float(self.layer.p)


class Sites(tuple[str, ...]):  # noqa: SLOT001  # a tuple has no slots for more
    """The names of a model's sites, and what is known of each: ``sites["fc1:in"].depth``; printed, a table.

    Attributes:
        table: each site by its name.
    """

    table: dict[str, Site]

    def __new__(cls, found: Iterable[Site]) -> Self:
        """Of each name one."""
        table = {site.name: site for site in found}
        made = super().__new__(cls, table)
        made.table = table
        return made

    def __getnewargs__(self) -> Any:
        return (tuple(self.table.values()),)

    @overload
    def __getitem__(self, place: SupportsIndex, /) -> str: ...
    @overload
    def __getitem__(self, place: slice, /) -> tuple[str, ...]: ...
    @overload
    def __getitem__(self, place: str, /) -> Site: ...
    def __getitem__(self, place: Any, /) -> Any:
        """By its name, a site; by its place, a name."""
        if isinstance(place, str):
            return self.table[place]
        return super().__getitem__(place)

    def values(self) -> tuple[Site, ...]:
        """The sites themselves."""
        return tuple(self.table.values())

    def __str__(self) -> str:
        """One line for each site; columns that nothing is known for are left out."""
        rows = [_row(site) for site in self.values()]
        shown = [number for number in range(len(_HEAD)) if any(row[number] for row in rows)]
        lines = [[_HEAD[number] for number in shown], *([row[number] for number in shown] for row in rows)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(shown))]
        return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


NOISE = "noise"
"""The door of what a module draws in a way that has no key: its numbers are the model's own, and no rate can be set."""
_FUNCTIONS = {"dropout": "F.dropout", "attention": "attention", "recurrent": "recurrent"}
_HEAD = ("site", "p", "what", "level", "depth", "shape", "after", "feeds")


def _row(site: Site) -> tuple[str, ...]:
    what = "" if site.layer is None else type(site.module if site.layer is not site.module else site.layer).__name__
    if site.door == NOISE:
        what = NOISE
    elif site.door and site.layer is not None:
        what = _FUNCTIONS.get(site.door, type(site.layer).__name__)
    return (
        site.name,
        "" if site.p is None else f"{site.p:g}",
        what,
        site.level,
        str(site.depth),
        "" if site.shape is None else "×".join(map(str, site.shape)),
        site.after,
        ", ".join(site.feeds),
    )

"""Taking changes of a model back, in whatever order.

Each change of one thing (a layer's rate, what sits under a name, what is at a doorway) has a number. To take it back
restores what was there before it; later changes of the same thing are gone with it, and taking them back too does
nothing more. A layer that takes another's place inherits what is remembered of its rate.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from torch import nn

Undo = Callable[[], None]

_numbers = itertools.count(1)
_last: weakref.WeakKeyDictionary[nn.Module, dict[Hashable, int]] = weakref.WeakKeyDictionary()
"""By module and thing: the number of the last change that was not taken back."""
_bodies: weakref.WeakKeyDictionary[nn.Module, weakref.ref[nn.Module]] = weakref.WeakKeyDictionary()
"""The module that stands in the place of another."""


@dataclass
class Change:
    """What a call did to a model; ``undo()`` takes it back. Printed, a line for each site.

    ``rates`` maps each site that the call touched to its drop rate ``p``.

    >>> import droplab
    >>> model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    >>> print(droplab.apply_rates(model, {"1": 0.1, "0:out": 0.2}))
    1: p 0.5 → 0.1
    0:out: p 0.2, new
    """

    rates: dict[str, float]
    _undo: list[Undo] = field(default_factory=list, repr=False)
    was: dict[str, float] = field(default_factory=dict, repr=False)
    """The drop rate before, of those sites where something dropped."""
    removed: tuple[str, ...] = field(default=(), repr=False)
    """Sites where nothing is left that drops."""
    missing: tuple[str, ...] = field(default=(), repr=False)
    """What was looked for and not found, such as sums of which no term is a residual branch."""

    seeded: tuple[str, ...] = field(default=(), repr=False)
    """Sites whose draws begin at the key from now on."""

    def __str__(self) -> str:
        """A line for each site."""
        lines = [f"{site}: {self._shown(site, p)}" for site, p in self.rates.items()]
        lines += [f"{site}: p {self.was[site]:g}, removed" for site in self.removed]
        lines += [f"{site}: seeded" for site in self.seeded]
        lines += [f"not found: {what}" for what in self.missing]
        return "\n".join(lines) or "nothing changed"

    def _shown(self, site: str, p: float) -> str:
        if site not in self.was:
            return f"p {p:g}, new"
        return f"p {p:g}" if self.was[site] == p else f"p {self.was[site]:g} → {p:g}"

    def undo(self) -> None:
        """Restore the model as it was before, last change first; later changes of the same sites are gone with it.

        Several changes may be undone in any order. A second call does nothing.
        """
        while self._undo:
            self._undo.pop()()


def remembered(owner: nn.Module, thing: Hashable, restore: Undo) -> Undo:
    """What takes a change of a thing back, once, and only if no earlier change of it was taken back meanwhile."""
    chain = _last.setdefault(owner, {})
    number, below = next(_numbers), chain.get(thing, 0)
    chain[thing] = number

    def undo() -> None:
        if chain.get(thing, 0) >= number:
            chain[thing] = below
            restore()

    return undo


def stands_in(new: nn.Module, old: nn.Module) -> None:
    """From now on ``new`` is in the place of ``old``: what is remembered of one is remembered of both."""
    _last[new] = _last.setdefault(old, {})
    _bodies[old] = weakref.ref(new)


def comes_back(old: nn.Module) -> None:
    """Nothing is in the place of ``old`` any more."""
    _bodies.pop(old, None)


def bodies(module: nn.Module) -> list[nn.Module]:
    """A module, and what stands in its place now.

    >>> old, new = nn.Dropout(), nn.Identity()
    >>> stands_in(new, old); bodies(old) == [old, new]
    True
    """
    found = [module]
    while (reference := _bodies.get(found[-1])) is not None:
        body = reference()
        if body is None or body in found:
            break
        found.append(body)
    return found

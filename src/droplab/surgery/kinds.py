"""Which kind an arm wants at which site: a name of the catalog, with options, for all sites or by pattern."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from torch import nn

from droplab.errors import SpecError, quote, quote_text, suggest
from droplab.layers.layer import DropLayer
from droplab.variants.catalog import CATALOG
from droplab.variants.kind import Kind

_GIVEN = frozenset({"self", "p", "module", "inplace"})
"""Parameters that come from elsewhere or make no difference to results."""


class Chosen(NamedTuple):
    """A kind and its options."""

    kind: Kind
    options: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The kind's."""
        return self.kind.name

    @property
    def adopts(self) -> tuple[type[nn.Module], ...]:
        """Layers with weights that it takes the place of; none where it acts on activations."""
        return self.kind.adopts

    def make(self, p: float) -> DropLayer:
        """A layer that acts on activations."""
        return self.kind.layer(p=p, **self.options)

    def adopt(self, module: nn.Module, p: float) -> DropLayer:
        """A layer in the place of one with weights, with its parameters."""
        layer: Any = self.kind.layer
        adopted: DropLayer = layer.adopt(module, p, **self.options)
        return adopted


Kinds = tuple[tuple[str | None, Chosen], ...]
"""``(site pattern, kind)``, later ones winning; the pattern ``None`` is for all sites."""


def kinds(layer: str | Mapping[str, Any] | None) -> Kinds:
    """What an arm's ``layer`` says.

    Args:
        layer: a name of the catalog; a table with ``name`` and options; or a table from site patterns to such.
            ``None`` says nothing.

    Raises:
        SpecError: an unknown name or option, or options that do not hold; all problems at once.

    >>> [(pattern, kind.name) for pattern, kind in kinds({"fc1:in": {"name": "alpha_dropout"}, "drop*": "dropout"})]
    [('fc1:in', 'alpha_dropout'), ('drop*', 'dropout')]
    >>> kinds("dropuot")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    droplab.errors.SpecError: the layer has 1 problem:
      - name: no layer 'dropuot'; did you mean 'dropout'? (there are dropout, ...
    """
    if layer is None:
        return ()
    if not isinstance(layer, Mapping) or isinstance(layer.get("name"), str):
        kind, problems = _kind(layer)
        found: list[tuple[str | None, Chosen]] = [] if kind is None else [(None, kind)]
    else:
        found, problems = [], [] if layer else ["name: got an empty table; a name, or site patterns, is wanted"]
        for pattern, inner in layer.items():
            kind, wrong = _kind(inner)
            problems += [f"{pattern}.{line}" for line in wrong]
            if kind is not None:
                found.append((str(pattern), kind))
    if problems:
        raise SpecError(problems, "the layer")
    return tuple(found)


def chosen_at(found: Kinds, site: str) -> Chosen | None:
    """The kind that a site is given; patterns as in ``sites``: one without a colon names no doorway.

    >>> chosen_at(kinds("dropout"), "fc1:in").name
    'dropout'
    """
    chosen: Chosen | None = None
    for pattern, kind in found:
        if pattern is None or ((":" in site) == (":" in pattern) and fnmatchcase(site, pattern)):
            chosen = kind
    return chosen


def in_arms() -> tuple[str, ...]:
    """Names that an arm may give.

    >>> "dropout" in in_arms()
    True
    """
    return tuple(name for name, row in CATALOG.items() if row.in_arms)


def _kind(value: Any) -> tuple[Chosen | None, list[str]]:
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        return None, [f"name: got {quote(value)}; a layer's name, or a table with `name` and options, is wanted"]
    name, options = value["name"], {str(key): item for key, item in value.items() if key != "name"}
    known = in_arms()
    if name not in known:
        why = "is not for sites of an arm" if name in CATALOG else f"no layer {quote(name)}{suggest(name, known)}"
        return None, [f"name: {why} (there are {', '.join(known)})"]
    row: Any = CATALOG[name]
    taken = inspect.signature(row.layer.equip if row.adopts else row.layer).parameters
    allowed = [key for key in taken if key not in _GIVEN]
    problems = [
        f"{key}: {name} has no such option{suggest(key, allowed)} (it has {', '.join(allowed) or 'none'})"
        for key in options
        if key not in allowed
    ]
    problems += [
        f"{key}: got {quote(item)}; {wanted} is wanted, as the default, {taken[key].default!r}, is"
        for key, item in options.items()
        if key in allowed and (wanted := _other_type(item, taken[key].default))
    ]
    kind = Chosen(CATALOG[name], options)
    if not problems:
        try:
            _try(kind)
        except (TypeError, ValueError, ArithmeticError, RuntimeError) as problem:
            problems = [f"{name}: {quote_text(problem)}"]
    return kind, problems


def _other_type(item: Any, default: Any) -> str:
    """What an option wants instead, if its default is a plain value of another type."""
    if isinstance(default, bool):
        return "" if isinstance(item, bool) else "true or false"
    if isinstance(default, str):
        return "" if isinstance(item, str) else "a string"
    if isinstance(default, int) and (isinstance(item, bool) or not isinstance(item, int)):
        return "a whole number"
    if isinstance(default, float) and (isinstance(item, bool) or not isinstance(item, (int, float))):
        return "a number"
    return ""


_SMALL: Mapping[type[nn.Module], tuple[int, ...]] = {
    nn.Linear: (1, 1), nn.Conv2d: (1, 1, 1), nn.LSTM: (1, 1), nn.GRU: (1, 1), nn.Embedding: (1, 1),
}  # fmt: skip


def _try(kind: Chosen) -> None:
    """Make a layer, so that it can say what is wrong with its options; no random number is drawn."""
    if not kind.adopts:
        kind.make(0.5)
    for twin in kind.adopts:
        if twin in _SMALL:
            kind.adopt(twin(*_SMALL[twin], device="meta"), 0.5)

"""Put dropout into any model, set its rates, and take it out; each returns what it changed and can undo it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from droplab.errors import SiteError, UserError, quote
from droplab.layers.adopting import Adopting
from droplab.layers.doorway import close_doorway, doorways, hooks_at, put_back
from droplab.layers.layer import DropLayer
from droplab.layers.reading import only_read
from droplab.surgery.calls import give_call
from droplab.surgery.example import flow_of, refuse_others, remember
from droplab.surgery.holders import CallRate, FunctionRate, OwnRate, checked_rate
from droplab.surgery.kinds import kinds
from droplab.surgery.patterns import escape, is_call, match_sites
from droplab.surgery.rates import apply_rates, set_rate
from droplab.surgery.site import Site
from droplab.surgery.sites import sites
from droplab.surgery.swapping import inherit, swap
from droplab.surgery.undoing import Change, remembered
from droplab.surgery.view import everywhere

Where = str | Callable[[Site], bool]
"""A site pattern, a preset, or a predicate of sites."""


def insert(model: nn.Module, what: Mapping[Where, Any], *inputs: Any, **named: Any) -> Change:
    """Put dropout where a model has none, or another kind or rate where it has.

    Args:
        model: changed in place. No ``state_dict`` key changes, and no random number is drawn.
        what: by site pattern, preset or predicate: a rate, or ``(kind, rate)``; the kind as an arm's, a name, a table
            with options or a class. Later ones win. Patterns are those of arms, and ``NAME:branch``: the module at the
            end of a residual branch, whose output is added to what its input was made of. A predicate is given each
            ``Site``. Presets are ``@input``, ``@after_activations``, ``@early(k)``, ``@late(k)``, ``@before_head``,
            ``@residual``, ``@attention``, ``@embeddings``, ``@lora``.
        inputs: what the model is called with, for patterns that a forward pass finds; see ``droplab.sites``.
        named: what it is called with by name.

    Returns:
        The change: printed, what it did, and sums of which no term is a residual branch, where branches were asked
        for; ``undo()`` takes it back. To insert twice is to insert once.

    Raises:
        SiteError: nothing is found; a kind that does not go there; a model that torch has scripted.
        UserError: something else than a rate or ``(kind, rate)``, or than a place. The model is then as it was.

    >>> class Block(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.mlp = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4))
    ...     def forward(self, x):
    ...         return x + self.mlp(x)
    >>> model = nn.Sequential(Block(), Block())
    >>> change = insert(model, {"*:branch": ("drop_path", 0.1), "@after_activations": 0.2}, torch.ones(3, 4))
    >>> print(change)
    0.mlp:out: p 0.1, new
    1.mlp:out: p 0.1, new
    0.mlp.2:in: p 0.2, new
    1.mlp.2:in: p 0.2, new
    >>> change.undo(); sites(model)["0.mlp.2:in"].p is None
    True
    """
    refuse_scripted(model, "insert")
    if not isinstance(what, Mapping):
        raise UserError(f"droplab.insert got {quote(what)}; a table from places to rates is wanted: {{'fc1:in': 0.1}}")
    if inputs or named:
        remember(model, inputs, named)
    rates: dict[str, float] = {}
    wanted: dict[str, Any] = {}
    there = everywhere(model)
    for where, value in what.items():
        kind, p = _kind_and_rate(where, value)
        for site in _found(model, where, kind):
            rates[site] = p
            wanted.pop(site, None)
            if kind is not None and not _is_there(there.get(site), kind):
                wanted[site] = kind
    missing: list[str] = []
    if any(where == "@residual" or (isinstance(where, str) and where.endswith(":branch")) for where in what):
        missing = [f"a residual branch at {place}" for place in flow_of(model, "*:branch").branches()[1]]
    change = apply_rates(model, {escape(site): p for site, p in rates.items()}, _asked(wanted))
    change.missing = tuple(missing)
    return change


def _asked(wanted: Mapping[str, Any]) -> Any:
    return {escape(site): kind for site, kind in wanted.items()} or None


def _kind_and_rate(where: Where, value: Any) -> tuple[Any, float]:
    named = where if isinstance(where, str) else "a predicate"
    if isinstance(value, tuple) and len(value) == 2:
        return value[0], checked_rate(value[1], named)
    if isinstance(value, (tuple, list, str, Mapping)):
        raise UserError(f"droplab.insert got {quote(value)} for {named}; a rate or (kind, rate) is wanted")
    return None, checked_rate(value, named)


def _found(model: nn.Module, where: Where, kind: Any) -> tuple[str, ...]:
    if not isinstance(where, str) and not callable(where):
        raise UserError(f"{quote(where)} names no place; a site pattern, a preset or a function of sites is wanted")
    if isinstance(where, str):
        adopted = tuple({adopted for _, chosen in kinds(kind) for adopted in chosen.adopts})
        return match_sites(model, where, adopted)
    found = tuple(site.name for site in sites(model).values() if where(site))
    if not found:
        raise SiteError(f"the predicate {quote(where)} holds for none of the sites: {', '.join(sites(model))}")
    return found


def _is_there(layer: Any, kind: Any) -> bool:
    """Whether a layer is one of just that kind already."""
    ((_, chosen),) = kinds(kind)
    if not isinstance(layer, DropLayer) or type(layer) is not chosen.kind.layer:
        return False
    if chosen.adopts:
        return not chosen.options
    options = {name: getattr(layer, name, None) for name in chosen.options}
    return options == dict(chosen.options) and (bool(options) or repr(chosen.make(layer.p)) == repr(layer))


def set_p(model: nn.Module, p: Mapping[Where, float] | float, *inputs: Any, **named: Any) -> Change:
    """Set rates where something drops already; nothing is put in.

    Args:
        model: changed in place.
        p: one rate for all that drops, or by site pattern, preset or predicate as in ``insert``; later ones win.
        inputs: what the model is called with, for patterns that a forward pass finds.
        named: what it is called with by name.

    Returns:
        The change. To set twice is to set once.

    Raises:
        SiteError: nothing is found, or nothing drops there.
        UserError: a rate that is no number in [0, 1].

    >>> model = nn.Sequential(nn.Dropout(0.5), nn.Linear(2, 2), nn.Dropout(0.5))
    >>> print(set_p(model, {"*": 0.1, lambda site: site.depth > 1: 0.2}))
    0: p 0.5 → 0.1
    2: p 0.5 → 0.2
    """
    refuse_scripted(model, "set_p")
    if inputs or named:
        remember(model, inputs, named)
    there = {site: layer for site, layer in everywhere(model).items() if site}
    if not isinstance(p, Mapping):
        p = {escape(site): p for site in there}
    rates: dict[str, float] = {}
    for where, value in p.items():
        rate = checked_rate(value, where if isinstance(where, str) else "a predicate")
        found = _dropping(model, where) if callable(where) else _found(model, where, None)
        dropping = [site for site in found if site in there or is_call(model, site)]
        if not dropping:
            raise SiteError(
                f"nothing drops at {', '.join(found)}; droplab.insert puts dropout there. It drops at: "
                f"{', '.join(there) or 'no site'}"
            )
        rates.update(dict.fromkeys(dropping, rate))
    change = Change(rates, was={site: float(there[site].p) for site in rates if site in there})
    for site, rate in rates.items():
        change._undo.append(give_call(model, site, rate) if is_call(model, site) else set_rate(there[site], rate))
    return change


def _dropping(model: nn.Module, where: Callable[[Site], bool]) -> tuple[str, ...]:
    found = sites(model).values()
    chosen = tuple(site.name for site in found if site.layer is not None and where(site))
    if not chosen:
        raise SiteError(f"the predicate {quote(where)} holds for nothing that drops in this {type(model).__name__}")
    return chosen


def remove(model: nn.Module, where: Where = "*", *inputs: Any, **named: Any) -> Change:
    """Take dropout out, so that nothing is drawn there any more.

    Doorways are closed, and dropout layers give way to ``nn.Identity`` with all that is attached to them. Numbers,
    functions, and layers whose owner only reads their ``p``, are set to 0. A call gets the rate of its layer back.

    Args:
        model: changed in place.
        where: a site pattern, preset or predicate, as in ``insert``; ``"*"`` is everything that drops, doorways too.
        inputs: what the model is called with, for patterns that a forward pass finds.
        named: what it is called with by name.

    Raises:
        SiteError: nothing is found; or a layer with weights, which only the change that put it there takes out.

    >>> model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    >>> change = remove(model); print(change); model[1]
    1: p 0.5, removed
    Identity()
    >>> change.undo(); model[1]
    Dropout(p=0.5, inplace=False)
    """
    refuse_scripted(model, "remove")
    if inputs or named:
        remember(model, inputs, named)
    there = {site: layer for site, layer in everywhere(model).items() if site}
    if where == "*":
        found = tuple(there)
    elif callable(where):
        found = _dropping(model, where)
    else:
        found = _found(model, where, None)
    gone = [site for site in found if site in there]
    for site in gone:
        if isinstance(there[site], Adopting) and ":" not in site:
            raise SiteError(
                f"{site} is a {type(there[site]).__name__}, a layer with the model's weights; undo() the change that "
                "put it there, or set its p to 0"
            )
    change = Change({}, was={site: float(there[site].p) for site in gone}, removed=tuple(gone))
    read = only_read(model)
    for site in sorted(gone, key=lambda site: not is_call(model, site)):
        change._undo.append(_taken_out(model, site, there[site], read))
    return change


def _taken_out(model: nn.Module, site: str, layer: Any, read: Mapping[str, str]) -> Any:
    if isinstance(layer, CallRate):
        return give_call(model, site, None)
    if isinstance(layer, OwnRate | FunctionRate) or site in read:
        return set_rate(layer, 0.0)
    if ":" not in site:
        none = nn.Identity()
        inherit(none, layer)
        return swap(model, layer, none)
    name, _, door = site.partition(":")
    module = model.get_submodule(name)
    doorway = doorways(module)[door]
    order = hooks_at(module, doorway.door)
    close_doorway(module, doorway)
    return remembered(module, ("door", door), lambda: put_back(module, doorway.door, doorway, layer, order))


def refuse_scripted(model: nn.Module, caller: str) -> None:
    """No Python of ours is called by what torch has scripted.

    Raises:
        SiteError: the model is such, or has a part that is.
        ModelError: it is none.
    """
    refuse_others(model, caller)
    for name, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            raise SiteError(
                f"{f'{name!r} of the model' if name else 'the model'} was made by torch.jit, which calls no hooks of "
                "Python's; change the model before it is scripted or traced"
            )

"""Give a model the drop rates of an arm, and read them back."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from droplab.errors import SiteError
from droplab.layers.doorway import doorways
from droplab.layers.layer import DropLayer
from droplab.layers.learned import LearnedRate
from droplab.layers.reading import only_read
from droplab.layers.unreached import foreign, listed
from droplab.surgery.calls import function_rate, give_call, give_function
from droplab.surgery.depth import adoptable, fed_modules
from droplab.surgery.holders import FUNCTION_DOORS, FunctionRate, OwnRate, checked_rate, is_dropout, own_rates
from droplab.surgery.kinds import Chosen, Kinds, chosen_at, kinds
from droplab.surgery.patterns import escape, is_call, match_sites, named
from droplab.surgery.swapping import at_doorway, inherit, swap
from droplab.surgery.undoing import Change, Undo, bodies, remembered
from droplab.surgery.view import everywhere
from droplab.variants.catalog import CATALOG

__all__ = ["Change", "apply_rates", "everywhere", "rates"]


def rates(model: nn.Module) -> dict[str, float]:
    """Drop rate ``p`` of every site where dropout acts now.

    >>> rates(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)))
    {'1': 0.5}
    """
    return {site: _rate(layer) for site, layer in everywhere(model).items()}


def _rate(layer: Any) -> float:
    return float(layer.p)


def apply_rates(
    model: nn.Module,
    p: Mapping[str, float] | float,
    kind: str | type[DropLayer] | Mapping[str, Any] | None = None,
) -> Change:
    """Set the drop rate of every site that the patterns name; later patterns win over earlier ones.

    An existing dropout layer gets the rate (and, where ``kind`` gives it one, is replaced by a layer of
    that kind, with all that was attached to it); so does the number by which attention or a recurrent stack drops. A
    doorway gets a dropout layer through a hook, or the rate, where it has one already. A kind that drops weights takes
    the place of a layer with weights, whose name is then the site, and keeps its parameters. ``state_dict`` keys that
    are there, and sites that no pattern names, stay as they are.

    Args:
        model: changed in place.
        p: one rate for all that drops already, or ``{site pattern: rate}``; rates in [0, 1]. A pattern may be a preset
            (``@before_head``, see ``droplab.insert``), and may name a call (``dropout#2``). One rate with a kind
            that drops weights is for the weights that existing dropout layers feed, in the place of these. One rate
            with a kind sets numbers, which can be no kind but plain dropout, to 0.
        kind: a name of the catalog, or ``pkg.module:Class`` or the class itself for a ``DropLayer`` of your own; a
            table with such a ``name`` and options; or a table from site patterns to such. Where nothing is said of a
            site, an existing layer stays what it is, and a doorway gets plain dropout.

    Returns:
        The change, with the rates by site and an ``undo()``.

    Raises:
        SiteError: a pattern matches nothing; or a kind is meant for a layer whose owner reads its rate and does not
            call it, so that the kind would do nothing.
        SpecError: ``kind`` does not hold.
        UserError: a rate that is no number in [0, 1]; a kind that refuses a rate, or a module. The model is then as
            it was.

    Warns:
        UserWarning: one rate is given, and the model may drop at places that are no sites; they are named.

    >>> net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    >>> change = apply_rates(net, {"*": 0.1, "0:in": 0.2})
    >>> rates(net)
    {'1': 0.1, '0:in': 0.2}
    >>> change.undo(); rates(net)
    {'1': 0.5}
    """
    wanted_kinds = _placed(model, kinds(kind))
    change = Change(_wanted(model, p, wanted_kinds))
    before = rates(model)
    change.was.update({site: before[site] for site in change.rates if site in before})
    _refuse_only_read(model, change.rates, wanted_kinds)
    numbers = own_rates(model)
    try:
        if not isinstance(p, Mapping):
            for layer_there in _silenced(model, wanted_kinds, change.rates):
                change._undo.append(set_rate(layer_there, 0.0))
            _warn_of_foreign(model)
        for site, rate in change.rates.items():
            change._undo.append(_give(model, site, rate, chosen_at(wanted_kinds, site), numbers.get(site)))
    except BaseException:
        change.undo()  # a model is changed as a whole or not at all
        raise
    return change


def _placed(model: nn.Module, wanted: Kinds) -> Kinds:
    """The kinds with presets and branches spelled out as sites; each pattern names one."""
    types, found = _adopted_types(wanted), list[tuple[str | None, Chosen]]()
    there = named(model) if len(wanted) > 1 else None
    for pattern, kind in wanted:
        sites = (pattern,) if pattern is None else match_sites(model, pattern, types, there)
        spelled = pattern is not None and (pattern.startswith("@") or pattern.endswith(":branch"))
        found += [(escape(site), kind) for site in sites if site] if spelled else [(pattern, kind)]
    return tuple(found)


def _give(model: nn.Module, site: str, rate: float, kind: Chosen | None, number: OwnRate | None) -> Undo:
    if is_call(model, site):
        return give_call(model, site, rate)
    name, colon, door = site.partition(":")
    if door in FUNCTION_DOORS:
        return give_function(model, name, door, rate)
    if colon:
        module = model.get_submodule(name)
        there = doorways(module).get(door)
        if kind is None and there is not None:
            return set_rate(there.layer, rate)
        layer = (kind or _PLAIN).make(rate)
        if there is not None:
            inherit(layer, there.layer)
        return at_doorway(module, "in" if door == "in" else "out", layer)
    if number is not None or kind is None:
        return set_rate(number or model.get_submodule(name), rate)
    module = model.get_submodule(name)
    new = kind.adopt(module, rate) if kind.adopts else kind.make(rate)
    if not kind.adopts:
        inherit(new, module)
    return swap(model, module, new)


_FUNCTIONS = tuple(f":{door}" for door in FUNCTION_DOORS)
_PLAIN = Chosen(CATALOG["dropout"], {})


def _adopted_types(wanted: Kinds) -> tuple[type[nn.Module], ...]:
    return tuple({kind_type for _, kind in wanted for kind_type in kind.adopts})


def _wanted(model: nn.Module, p: Mapping[str, float] | float, wanted: Kinds) -> dict[str, float]:
    """The rate of each site; a site of weights only where its kind takes weights, and the other way round."""
    if not isinstance(p, Mapping):
        rate = checked_rate(p, "apply_rates")
        everyone = chosen_at(wanted, "")
        if everyone is not None and everyone.adopts:
            return dict.fromkeys(_fed(model, everyone), rate)
        dropping = [site for site in everywhere(model) if site]
        if rate == 0 and not dropping:
            return {}  # no dropout, as asked for
        plain = everyone is None or everyone.name == _PLAIN.name
        doors = [site for site in dropping if ":" in site and (plain or not site.endswith(_FUNCTIONS))]
        p = dict.fromkeys([*doors, *(site for site in dropping if is_call(model, site))], rate)
        if len(p) < len(dropping) or not p:
            p = {"*": rate, **p}
    types, there, numbers = _adopted_types(wanted), named(model), own_rates(model)
    found: dict[str, float] = {}
    for pattern, given in p.items():
        rate = checked_rate(given, pattern)
        sites = match_sites(model, pattern, types, there)
        suited = [site for site in sites if _suits(model, site, chosen_at(wanted, site), numbers)]
        if not suited:
            kind = chosen_at(wanted, sites[0])
            said = "plain dropout" if kind is None else f"the kind {kind.name!r}"
            raise SiteError(f"site pattern {pattern!r} names {', '.join(sites)}, which {said} is not for")
        found.update(dict.fromkeys(suited, rate))
    return found


def _suits(model: nn.Module, site: str, kind: Chosen | None, numbers: Mapping[str, OwnRate]) -> bool:
    if is_call(model, site):
        return True
    if ":" in site and not site.endswith(_FUNCTIONS):
        return kind is None or not kind.adopts
    if site.endswith(_FUNCTIONS) or site in numbers:
        return kind is None or kind.name == _PLAIN.name
    module = model.get_submodule(site)
    if kind is not None and kind.adopts:
        return isinstance(module, kind.adopts)
    return is_dropout(module)


def _fed(model: nn.Module, kind: Chosen) -> tuple[str, ...]:
    fed = dict.fromkeys(site for _, site in fed_modules(model, kind.adopts))
    if not fed:
        known = ", ".join(adoptable(model, kind.adopts)) or "none"
        raise SiteError(
            f"one p for the kind {kind.name!r} is for the weights that dropout layers feed, and this model has no "
            f"such layers. Name the layers, p = {{ NAME = rate }}; those that can be named: {known}"
        )
    return tuple(fed)


def _silenced(model: nn.Module, wanted: Kinds, given: Mapping[str, float]) -> list[Any]:
    """What drops and gets no rate from one rate with a kind.

    Layers, also at doorways, whose place is taken by weights; and numbers, which the kind is not for.
    """
    kind = chosen_at(wanted, "")
    if kind is None:
        return []
    there = everywhere(model)
    names = [layer for layer, _ in fed_modules(model, kind.adopts)] if kind.adopts else []
    names += [site for site in (*own_rates(model), *(door for door in there if ":" in door)) if site not in given]
    return [there[name] for name in names]


def _refuse_only_read(model: nn.Module, given: Mapping[str, float], wanted: Kinds) -> None:
    """Another kind than plain dropout where only the rate is read would train plain dropout under its name."""
    kinds_given = {site: kind for site in given if (kind := chosen_at(wanted, site)) and not kind.adopts}
    odd = {site: kind.name for site, kind in kinds_given.items() if kind.name != _PLAIN.name}
    if not odd:
        return
    read = only_read(model)
    for site, name in odd.items():
        if site in read:
            raise SiteError(
                f"the kind {name!r} would do nothing at {site}: {read[site]} reads the layer's p and hands it to a "
                "function, and never calls the layer, so what drops is plain dropout. Give this site no kind "
                "(kind = { PATTERN = KIND } for the others)"
            )


def _warn_of_foreign(model: nn.Module) -> None:
    found = foreign(model)
    if found:
        warnings.warn(
            f"droplab.apply_rates does not reach all that may drop in {type(model).__name__}: {listed(found)}. "
            "These keep their rates; set them in the model itself",
            stacklevel=3,
        )


def set_rate(layer: Any, rate: float) -> Undo:
    """Give what drops at a site another rate."""
    if isinstance(layer, FunctionRate):
        return function_rate(layer, rate)
    owner: nn.Module = layer.module if isinstance(layer, OwnRate) else layer
    before = layer.p
    learned = getattr(layer, layer.learned).detach().clone() if isinstance(layer, LearnedRate) else None
    layer.p = rate

    def restore() -> None:
        if isinstance(layer, LearnedRate) and learned is not None:  # each weight may have a rate of its own
            with torch.no_grad():
                getattr(layer, layer.learned).copy_(learned)
            return
        layer.p = before
        if owner is layer:
            for body in bodies(owner)[1:]:
                body.p = before

    return remembered(owner, "number" if owner is not layer else "p", restore)

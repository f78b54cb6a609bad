"""Give a model the drop rates of an arm, and read them back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from droplab.errors import SiteError
from droplab.nn.catalog import CATALOG
from droplab.nn.keyed import DOORWAYS
from droplab.nn.learned import LearnedRate
from droplab.surgery.adopting import adoptable, fed_modules
from droplab.surgery.kinds import Kind, Kinds, kind_at, kinds
from droplab.surgery.layers import is_dropout
from droplab.surgery.sites import match_sites


@dataclass
class Change:
    """What ``apply_rates`` did to a model; ``undo()`` takes it back.

    ``rates`` maps each site that the call touched to its drop rate ``p``.
    """

    rates: dict[str, float]
    _undo: list[Callable[[], None]] = field(default_factory=list, repr=False)

    def undo(self) -> None:
        """Restore the model as it was before, last change first. A second call does nothing."""
        while self._undo:
            self._undo.pop()()


def rates(model: nn.Module) -> dict[str, float]:
    """Drop rate ``p`` of every site where dropout acts now.

    >>> rates(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)))
    {'1': 0.5}
    """
    found = {name: _rate(module) for name, module in model.named_modules() if is_dropout(module)}
    for name, module in model.named_modules():
        doors: dict[str, nn.Module] = module.__dict__.get(DOORWAYS, {})
        found.update({f"{name}:{door}": _rate(layer) for door, layer in doors.items()})
    return found


def _rate(layer: nn.Module) -> float:
    rate: Any = layer.p
    return float(rate)


def apply_rates(
    model: nn.Module, p: Mapping[str, float] | float, layer: str | Mapping[str, Any] | None = None
) -> Change:
    """Set the drop rate of every site that the patterns name; later patterns win over earlier ones.

    An existing dropout layer gets the rate (and, where ``layer`` gives it a kind, is replaced by a layer of
    that kind); a doorway gets a dropout layer through a hook. A kind that drops weights takes the place of a layer
    with weights, whose name is then the site, and keeps its parameters. ``state_dict`` keys that are there, and sites
    that no pattern names, stay as they are.

    Args:
        model: changed in place.
        p: one rate for all existing dropout layers, or ``{site pattern: rate}``; rates in [0, 1]. One rate with a
            kind that drops weights is for the weights that existing dropout layers feed, in the place of these.
        layer: a name of ``nn.catalog``, a table with ``name`` and options, or a table from site patterns to such;
            where nothing is said of a site, an existing layer stays what it is, and a doorway gets plain dropout.

    Returns:
        The change, with the rates by site and an ``undo()``.

    Raises:
        SiteError: a pattern matches nothing.
        SpecError: ``layer`` does not hold.
        UserError: a kind that refuses a rate, or a module; the model is then as it was.

    >>> net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    >>> change = apply_rates(net, {"*": 0.1, "0:in": 0.2})
    >>> rates(net)
    {'1': 0.1, '0:in': 0.2}
    >>> change.undo(); rates(net)
    {'1': 0.5}
    """
    wanted_kinds = kinds(layer)
    for pattern, _ in wanted_kinds:
        if pattern is not None:
            match_sites(model, pattern, _adopted_types(wanted_kinds))
    change = Change(_wanted(model, p, wanted_kinds))
    try:
        if not isinstance(p, Mapping):
            for site in _silenced(model, wanted_kinds):
                change._undo.append(_set_rate(model.get_submodule(site), 0.0))
        for site, rate in change.rates.items():
            change._undo.append(_give(model, site, rate, kind_at(wanted_kinds, site)))
    except BaseException:
        change.undo()  # a model is changed as a whole or not at all
        raise
    return change


def _give(model: nn.Module, site: str, rate: float, kind: Kind | None) -> Callable[[], None]:
    name, colon, door = site.partition(":")
    module = model.get_submodule(name)
    if colon:
        return _open_doorway(module, door, (kind or _PLAIN).make(rate))
    if kind is None:
        return _set_rate(module, rate)
    return _replace(model, module, kind.adopt(module, rate) if kind.adopts else kind.make(rate))


_PLAIN = Kind(CATALOG["dropout"], {})


def _adopted_types(wanted: Kinds) -> tuple[type[nn.Module], ...]:
    return tuple({kind_type for _, kind in wanted for kind_type in kind.adopts})


def _wanted(model: nn.Module, p: Mapping[str, float] | float, wanted: Kinds) -> dict[str, float]:
    """The rate of each site; a site of weights only where its kind takes weights, and the other way round."""
    if not isinstance(p, Mapping):
        everywhere = kind_at(wanted, "")
        if everywhere is not None and everywhere.adopts:
            return dict.fromkeys(_fed(model, everywhere), p)
        if p == 0 and not any(is_dropout(module) for module in model.modules()):
            return {}  # no dropout, as asked for
        p = {"*": p}
    types = _adopted_types(wanted)
    found: dict[str, float] = {}
    for pattern, rate in p.items():
        named = match_sites(model, pattern, types)
        suited = [site for site in named if _suits(model, site, kind_at(wanted, site))]
        if not suited:
            kind = kind_at(wanted, named[0])
            said = "plain dropout" if kind is None else f"the kind {kind.row.name!r}"
            raise SiteError(f"site pattern {pattern!r} names {', '.join(named)}, which {said} is not for")
        found.update(dict.fromkeys(suited, rate))
    return found


def _suits(model: nn.Module, site: str, kind: Kind | None) -> bool:
    if ":" in site:
        return kind is None or not kind.adopts
    module = model.get_submodule(site)
    if kind is not None and kind.adopts:
        return isinstance(module, kind.adopts)
    return is_dropout(module)


def _fed(model: nn.Module, kind: Kind) -> tuple[str, ...]:
    fed = dict.fromkeys(site for _, site in fed_modules(model, kind.adopts))
    if not fed:
        known = ", ".join(adoptable(model, kind.adopts)) or "none"
        raise SiteError(
            f"one p for the kind {kind.row.name!r} is for the weights that dropout layers feed, and this model has no "
            f"such layers. Name the layers, p = {{ NAME = rate }}; those that can be named: {known}"
        )
    return tuple(fed)


def _silenced(model: nn.Module, wanted: Kinds) -> tuple[str, ...]:
    """Dropout layers whose place is taken by the weights that they feed."""
    kind = kind_at(wanted, "")
    return () if kind is None or not kind.adopts else tuple(layer for layer, _ in fed_modules(model, kind.adopts))


def _set_rate(module: nn.Module, rate: float) -> Callable[[], None]:
    before = module.p
    learned = getattr(module, module.learned).detach().clone() if isinstance(module, LearnedRate) else None
    module.p = rate  # type: ignore[assignment]  # a plain attribute that Module's types do not know

    def undo() -> None:
        if isinstance(module, LearnedRate) and learned is not None:  # each weight may have a rate of its own
            with torch.no_grad():
                getattr(module, module.learned).copy_(learned)
            return
        module.p = before

    return undo


def _replace(model: nn.Module, old: nn.Module, new: nn.Module) -> Callable[[], None]:
    """At every place where the model has the module: one layer stays one."""
    new.train(old.training)
    places = [(parent._modules, name) for parent in model.modules() for name, child in parent._modules.items()
              if child is old]  # fmt: skip
    for modules, name in places:
        modules[name] = new

    def undo() -> None:
        old.train(new.training)
        before = dict(old.named_parameters(recurse=False))
        for name, value in new.named_parameters(recurse=False):
            if name in before and before[name] is not value:  # as load_state_dict(assign=True) does
                setattr(old, name, value)
        for modules, name in places:
            modules[name] = old

    return undo


def _open_doorway(module: nn.Module, door: str, layer: nn.Module) -> Callable[[], None]:
    """Hooks keep ``layer`` outside the module tree, so that no name and no key of the model changes."""
    doors: dict[str, nn.Module] = module.__dict__.setdefault(DOORWAYS, {})
    doors[door] = layer
    handle: RemovableHandle
    if door == "in":

        def enter(owner: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
            doors[door].training = owner.training
            return (doors[door](args[0]), *args[1:])

        handle = module.register_forward_pre_hook(enter)
    else:

        def leave(owner: nn.Module, _args: tuple[Any, ...], output: Any) -> Any:
            doors[door].training = owner.training
            return doors[door](output)

        handle = module.register_forward_hook(leave)

    def undo() -> None:
        handle.remove()
        doors.pop(door, None)

    return undo

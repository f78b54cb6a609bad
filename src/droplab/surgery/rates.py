"""Give a model the drop rates of an arm, and read them back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn
from torch.utils.hooks import RemovableHandle

from droplab.nn.keyed import DOORWAYS
from droplab.surgery.layers import LAYERS, is_dropout
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


def apply_rates(model: nn.Module, p: Mapping[str, float] | float, layer: str | None = None) -> Change:
    """Set the drop rate of every site that the patterns name; later patterns win over earlier ones.

    An existing dropout layer gets the rate (and, where ``layer`` names a kind, is replaced by a layer of
    that kind); a doorway gets a dropout layer through a hook. Parameters, ``state_dict`` keys and sites
    that no pattern names stay as they are.

    Args:
        model: changed in place.
        p: one rate for all existing dropout layers, or ``{site pattern: rate}``; rates in [0, 1].
        layer: a key of ``LAYERS``; ``None`` keeps existing layers and adds plain dropout at doorways.

    Returns:
        The change, with the rates by site and an ``undo()``.

    Raises:
        SiteError: a pattern matches nothing.

    >>> net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    >>> change = apply_rates(net, {"*": 0.1, "0:in": 0.2})
    >>> rates(net)
    {'1': 0.1, '0:in': 0.2}
    >>> change.undo(); rates(net)
    {'1': 0.5}
    """
    if isinstance(p, Mapping):
        patterns = dict(p)
    elif p == 0 and not any(is_dropout(module) for module in model.modules()):
        patterns = {}  # no dropout, as asked for
    else:
        patterns = {"*": p}
    wanted = {site: rate for pattern, rate in patterns.items() for site in match_sites(model, pattern)}
    change = Change(wanted)
    for site, rate in wanted.items():
        name, colon, door = site.partition(":")
        if colon:
            change._undo.append(_open_doorway(model.get_submodule(name), door, LAYERS[layer or "dropout"](rate)))
        elif layer is None:
            change._undo.append(_set_rate(model.get_submodule(name), rate))
        else:
            change._undo.append(_replace(model, name, LAYERS[layer](rate)))
    return change


def _set_rate(module: nn.Module, rate: float) -> Callable[[], None]:
    before = _rate(module)
    module.p = rate  # type: ignore[assignment]  # a plain attribute that Module's types do not know

    def undo() -> None:
        module.p = before  # type: ignore[assignment]

    return undo


def _replace(model: nn.Module, name: str, new: nn.Module) -> Callable[[], None]:
    parent_name, _, child = name.rpartition(".")
    parent = model.get_submodule(parent_name)
    old = parent.get_submodule(child)
    new.train(old.training)
    parent._modules[child] = new

    def undo() -> None:
        parent._modules[child] = old

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

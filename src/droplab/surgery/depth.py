"""Sites in the order of depth, the layer that drops at each, and the weight that each feeds.

Depth is the order in which the model's modules were registered. That is the order of the forward pass in
any model that is written top to bottom; where it is not, only the order of sites is affected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import nn

from droplab.errors import SiteError
from droplab.layers.doorway import doorways
from droplab.surgery.dropping import is_dropout
from droplab.surgery.numbers import OwnRate, checked_rate, own_rates


def site_layers(model: nn.Module) -> dict[str, nn.Module | OwnRate]:
    """What drops, by site, in the order of depth; doorways are there once they are open. Each has a rate ``p``.

    >>> net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    >>> site_layers(net)
    {'1': Dropout(p=0.5, inplace=False)}
    """
    found: dict[str, nn.Module | OwnRate] = {}
    for name, module in model.named_modules():
        if is_dropout(module):
            found[name] = module
        found.update({f"{name}:{door}": doorway.layer for door, doorway in doorways(module).items()})
    found.update(own_rates(model))
    return {site: found[site] for site in in_depth_order(model, found)}


def set_rates(model: nn.Module, p: Mapping[str, float]) -> None:
    """Set the drop rate of sites where a layer is; nothing is added or replaced, so it is cheap and needs no undo.

    Args:
        model: its layers are changed in place.
        p: rate by site, in [0, 1]; other sites stay.

    Raises:
        SiteError: no layer drops at a site; ``apply_rates`` puts one there.
        UserError: a rate that is no number in [0, 1].

    >>> net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    >>> set_rates(net, {"1": 0.1}); net[1]
    Dropout(p=0.1, inplace=False)
    """
    layers = site_layers(model)
    absent = [site for site in p if site not in layers]
    if absent:
        raise SiteError(f"no layer drops at {', '.join(absent)}; layers drop at: {', '.join(layers) or 'no site'}")
    for site, rate in {site: checked_rate(rate, site) for site, rate in p.items()}.items():
        layers[site].p = rate


def in_depth_order(model: nn.Module, sites: Iterable[str]) -> tuple[str, ...]:
    """The sites from the input of the model to its output.

    >>> net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), nn.Linear(2, 2))
    >>> in_depth_order(net, ["2:in", "1", "0:out"])
    ('0:out', '1', '2:in')
    """
    names = [name for name, _ in model.named_modules()]
    return tuple(sorted(sites, key=lambda site: _place(names, site)))


def fed_weights(model: nn.Module, sites: Iterable[str]) -> dict[str, nn.Parameter]:
    """The first weight (two or more dimensions) after each site, or the last before it where none follows.

    >>> net = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.Linear(3, 4))
    >>> {site: tuple(weight.shape) for site, weight in fed_weights(net, ["0:in", "1"]).items()}
    {'0:in': (3, 2), '1': (4, 3)}
    """
    names = [name for name, _ in model.named_modules()]
    weights = [
        ((place, 1), parameter)
        for place, (_, module) in enumerate(model.named_modules())
        for parameter in module.parameters(recurse=False)
        if parameter.ndim >= 2
    ]
    found = {}
    for site in sites:
        here = _place(names, site)
        after = [weight for place, weight in weights if place >= here]
        if weights:
            found[site] = after[0] if after else weights[-1][1]
    return found


def _place(names: list[str], site: str) -> tuple[int, int]:
    """Place among the modules; a doorway ``in`` is before its module, ``out`` after all that is inside it."""
    name, _, door = site.partition(":")
    if name not in names:  # a number of the module's
        name = name.removesuffix("dropout").rstrip(".")
    place = names.index(name)
    if door == "out":
        inside = sum(other.startswith(f"{name}.") for other in names)
        return place + inside, 2
    return place, 0 if door == "in" else 1

"""Sites in the order of depth, the layer that drops at each, and the weight that each feeds.

Depth is the order in which the model's modules were registered. That is the order of the forward pass in
any model that is written top to bottom; where it is not, only the order of sites is affected. Beside it: the layers
with weights that kinds for weights take the place of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import nn

from droplab.errors import SiteError
from droplab.surgery.holders import checked_rate, is_dropout
from droplab.surgery.view import Places, view


def site_layers(model: nn.Module) -> dict[str, Any]:
    """What drops, by site, in the order of depth; doorways are there once they are open. Each has a rate ``p``.

    >>> net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    >>> site_layers(net)
    {'1': Dropout(p=0.5, inplace=False)}
    """
    found = sorted((site for site in view(model) if site.layer is not None), key=lambda site: site.depth)
    return {site.name: site.layer for site in found}


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
    return tuple(sorted(sites, key=Places(model).of))


def fed_weights(model: nn.Module, sites: Iterable[str]) -> dict[str, nn.Parameter]:
    """The first weight (two or more dimensions) after each site, or the last before it where none follows.

    >>> net = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.Linear(3, 4))
    >>> {site: tuple(weight.shape) for site, weight in fed_weights(net, ["0:in", "1"]).items()}
    {'0:in': (3, 2), '1': (4, 3)}
    """
    places = Places(model)
    weights = [
        ((place, 1), parameter)
        for place, (_, module) in enumerate(model.named_modules())
        for parameter in module.parameters(recurse=False)
        if parameter.ndim >= 2
    ]
    found = {}
    for site in sites:
        here = places.of(site)
        after = [weight for place, weight in weights if place >= here]
        if weights:
            found[site] = after[0] if after else weights[-1][1]
    return found


def adoptable(model: nn.Module, types: tuple[type[nn.Module], ...]) -> tuple[str, ...]:
    """The names of a model's modules of some types; the model itself is left out.

    >>> adoptable(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), (nn.Linear,))
    ('0',)
    """
    return tuple(name for name, module in model.named_modules() if name and isinstance(module, types))


def fed_modules(model: nn.Module, types: tuple[type[nn.Module], ...]) -> Iterator[tuple[str, str]]:
    """Each dropout layer of a model, and the next module of some types in the order of registration.

    >>> net = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.Linear(3, 4))
    >>> list(fed_modules(net, (nn.Linear,)))
    [('1', '2')]
    """
    waiting: list[str] = []
    for name, module in model.named_modules():
        if name and is_dropout(module) and not isinstance(module, types):
            waiting.append(name)
        elif name and isinstance(module, types):
            yield from ((layer, name) for layer in waiting)
            waiting = []

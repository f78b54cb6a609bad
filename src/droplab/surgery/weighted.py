"""Layers with weights that an arm's kinds take the place of."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from droplab.surgery.dropping import is_dropout


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

"""Where a model could take dropout, by name."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from droplab.surgery import is_dropout


@dataclass(frozen=True)
class Places:
    """Where a model could take an arm of a set.

    Attributes:
        drops: its dropout layers; where it has none, the doorways before its linear layers, but for the very input.
        own: whether ``drops`` are layers of its own, which one rate reaches.
        linears: names of its linear layers.
        maps: doorways after its convolutions of images, but for the first where there are several.
        entrance: the doorway before its first layer with weights.
    """

    drops: tuple[str, ...]
    own: bool
    linears: tuple[str, ...]
    maps: tuple[str, ...]
    entrance: str | None

    @classmethod
    def of(cls, model: nn.Module) -> Places:
        """The places of a model.

        >>> Places.of(nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))).drops
        ('2:in',)
        """
        named = [(name, module) for name, module in model.named_modules() if name]
        layers = tuple(name for name, module in named if is_dropout(module))
        weighted = [(name, module) for name, module in named if any(True for _ in module.parameters(recurse=False))]
        first = weighted[0] if weighted else None
        linears = tuple(name for name, module in weighted if isinstance(module, nn.Linear))
        maps = [f"{name}:out" for name, module in weighted if isinstance(module, nn.Conv2d)]
        doors = tuple(f"{name}:in" for name in linears if first is None or name != first[0])
        return cls(
            drops=layers or doors,
            own=bool(layers),
            linears=linears,
            maps=tuple(maps[1:] or maps),
            entrance=f"{first[0]}:in" if first and not isinstance(first[1], nn.Embedding) else None,
        )


def proposal(model: nn.Module, rate: float) -> str:
    """A ``p`` that names places of a model without dropout layers; empty where it has some, or no place.

    >>> proposal(nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)), 0.25)
    'p = { "2:in" = 0.25 }'
    """
    places = Places.of(model)
    if places.own or not places.drops:
        return ""
    named = ", ".join(f'"{site}" = {rate:g}' for site in places.drops)
    return f"p = {{ {named} }}"

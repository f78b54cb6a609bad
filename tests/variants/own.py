"""Kinds as users write them: by the example of those that ship, in a module of their own."""

from __future__ import annotations

import torch
from torch import nn

from droplab.functional import dropout
from droplab.layers.adopting import Adopting
from droplab.layers.layer import DropLayer
from droplab.masks.checking import check_input


class Faint(DropLayer):
    """Plain dropout, of which a share stays."""

    shown = ("strength",)

    def __init__(self, p=0.5, strength=1.0, groups=1):
        super().__init__()
        if not 0 <= strength <= 1:
            raise ValueError(f"strength is a share; got {strength}")
        self.p, self.strength, self.groups = p, strength, groups

    def forward(self, x):
        dropped = self._in_training(dropout, x)
        return dropped if dropped is x or self.strength == 1 else torch.lerp(x, dropped, self.strength)


class Needy(DropLayer):
    def __init__(self, p, width):
        super().__init__()
        self.p, self.width = p, width

    def forward(self, x):
        return self._in_training(dropout, x)


class Rateless(DropLayer):
    def __init__(self, rate=0.5, **others):
        super().__init__()
        self.p = rate


class OutputDrop(Adopting, nn.Linear):
    """A linear layer that drops outputs."""

    twin = nn.Linear

    def __init__(self, inputs, outputs, p=0.5, *, times=1, **options):
        super().__init__(inputs, outputs, **options)
        self.equip(p, times=times)

    def equip(self, p=0.5, *, times=1):
        self.p, self.times = p, times

    def forward(self, x):
        check_input(x, "OutputDrop")
        return self._in_training(dropout, nn.functional.linear(x, self.weight, self.bias))


class Twinless(Adopting):
    pass


number = 3

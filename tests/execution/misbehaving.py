"""Models and data functions that do what user code may do."""

from __future__ import annotations

import itertools
import math
import os
import random
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

import droplab.nn
from tests.ledger.small import linear


class Wrapped(nn.Module):
    """A small network; ``act`` is called in every forward pass in train mode that has gradients."""

    def __init__(self, shape, classes):
        super().__init__()
        self.net = linear(shape, classes)

    def forward(self, x):
        if self.training and torch.is_grad_enabled():
            self.act()
        return self.net(x)

    def act(self):
        pass


CALM = 9
"""Training steps before a model misbehaves: no check beforehand finds it."""


def acting(act):
    """A model function whose model calls ``act`` from its tenth training step on."""

    def make(shape, classes):
        model, steps = Wrapped(shape, classes), itertools.count(1)
        model.act = lambda: act() if next(steps) > CALM else None
        return model

    return make


class UnprintableError(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def _raise(error):
    raise error


DEEDS = (
    lambda: sys.exit(0),
    sys.exit,
    lambda: _raise(UnprintableError()),
    lambda: _raise(OSError("caf\udce9.txt")),
    lambda: _raise(EOFError("my own end")),
    lambda: _raise(BrokenPipeError("my own pipe")),
    lambda: _raise(ValueError("x" * 10**6)),
)


def by_rate(shape, classes):
    """Does one of ``DEEDS``, the arm's rate in tenths."""
    model, steps = Wrapped(shape, classes), itertools.count(1)
    model.act = lambda: DEEDS[round(10 * model.net[1].p)]() if next(steps) > CALM else None
    return model


changes_directory = acting(lambda: os.chdir("/"))
hangs = acting(lambda: time.sleep(600))


def exits_when_built(shape, classes):
    sys.exit(3)


def exits_in_eval(shape, classes):
    model = Wrapped(shape, classes)
    model.forward = lambda _x: sys.exit(0)
    return model


def changes_directory_when_built(shape, classes):
    os.chdir("/")
    return linear(shape, classes)


# state that is not all in a plain state_dict ----------------------------------------------------


class NonPersistent(Wrapped):
    def __init__(self, shape, classes):
        super().__init__(shape, classes)
        self.register_buffer("seen", torch.zeros(()), persistent=False)

    def act(self):
        self.seen += 1

    def forward(self, x):
        return super().forward(x) * (1 + 0.01 * self.seen)


class Counting(Wrapped):
    def __init__(self, shape, classes):
        super().__init__(shape, classes)
        self.steps = 0

    def act(self):
        self.steps += 1

    def forward(self, x):
        return super().forward(x) * (1 + 0.01 * self.steps)


class OwnGenerators(Wrapped):
    def __init__(self, shape, classes):
        super().__init__(shape, classes)
        self.torch_generator = torch.Generator().manual_seed(1)
        self.numpy_generator = np.random.default_rng(1)
        self.legacy_bits = np.random.Generator(np.random.MT19937(1))
        self.python_generator = random.Random(1)

    def forward(self, x):
        out = super().forward(x)
        if self.training:
            draws = torch.randn((), generator=self.torch_generator).item()
            draws += self.numpy_generator.normal() + self.legacy_bits.normal() + self.python_generator.random()
            out = out * (1 + 0.01 * draws)
        return out


class Remembering(Wrapped):
    """Keeps what no checkpoint can find: tensors in a list."""

    def __init__(self, shape, classes):
        super().__init__(shape, classes)
        self.memory = []

    def act(self):
        self.memory.append(torch.ones(()))

    def forward(self, x):
        return super().forward(x) * (1 + 0.01 * len(self.memory))


class ExtraState(Wrapped):
    def __init__(self, shape, classes):
        super().__init__(shape, classes)
        self.seen = {"a"}

    def get_extra_state(self):
        return {"names": sorted(self.seen), "where": [Path("x"), self.seen]}

    def set_extra_state(self, state):
        self.seen = set(state["names"])


class LateExtraState(Wrapped):
    """Fine before it is trained."""

    def __init__(self, shape, classes):
        super().__init__(shape, classes)
        self.scale = 1.0

    def act(self):
        self.scale = np.float64(2.0)

    def get_extra_state(self):
        return self.scale

    def set_extra_state(self, state):
        self.scale = state


class WeightScaling(droplab.nn.Dropout):
    """Dropout as it was first published: nothing is scaled in training, everything is in evaluation."""

    def forward(self, x):
        return super().forward(x) * (1 - self.p)


def weight_scaling(shape, classes):
    return nn.Sequential(nn.Flatten(), WeightScaling(0.1), nn.Linear(math.prod(shape), classes))


class RandomInEval(Wrapped):
    def forward(self, x):
        return super().forward(x) + 0.1 * torch.randn(())


def data(seed=0):
    generator = torch.Generator().manual_seed(seed)
    parts = {"train": 96, "validation": 24, "test": 16}
    return {
        name: (torch.randn(count, 1, 4, 4, generator=generator), torch.arange(count) % 4)
        for name, count in parts.items()
    }


def data_that_exits():
    sys.exit(0)


def data_that_changes_directory():
    os.chdir("/")
    return data()

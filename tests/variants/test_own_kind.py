"""A kind that a user writes, outside of droplab and its catalog, can be held to the contract."""

from __future__ import annotations

from droplab import functional as F
from droplab import nn
from droplab.testing import Kind, LayerContract, Oracle, scaled


class MyDropout(nn.DropLayer):
    """What it does is droplab's; that it is not in the catalog is what is tested."""

    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def forward(self, x):
        return self._in_training(F.dropout, x)


class MySubclass(nn.Dropout):
    """Of a public layer."""


class TestMyDropout(LayerContract):
    oracle = Oracle(Kind("mine", MyDropout, paper="-", equation="-", shares="nothing"), moments=scaled, shape=(16, 24))


class TestMySubclass(LayerContract):
    oracle = Oracle(Kind("mine", MySubclass, paper="-", equation="-", shares="nothing"), moments=scaled, shape=(16, 24))
    test_called_twice_in_graphs = test_compiled = test_make_fx = test_second_derivatives = None  # as its base's
    test_tensors_without_memory = None

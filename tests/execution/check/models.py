"""Models as users write them, each with one thing that the check before an experiment should see."""

from __future__ import annotations

import random
import time
from functools import cache

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

PIXELS = 28 * 28


class Net(nn.Module):
    """Linear, something, linear."""

    def __init__(self, classes=10, hidden=16):
        super().__init__()
        self.fc1, self.drop, self.fc2 = nn.Linear(PIXELS, hidden), nn.Dropout(0.5), nn.Linear(hidden, classes)

    def middle(self, x):
        return x

    def forward(self, x):
        return self.fc2(self.drop(self.middle(F.relu(self.fc1(x.flatten(1))))))


class FunctionalDropout(Net):
    def middle(self, x):
        return F.dropout(x, 0.5, training=self.training)


class OnlyFunctional(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.fc = nn.Linear(PIXELS, classes)

    def forward(self, x):
        return self.fc(F.dropout(x.flatten(1), 0.5, training=self.training))


class DropoutInEvaluation(Net):
    def middle(self, x):
        return F.dropout(x, 0.5)


class HandwrittenMask(Net):
    def middle(self, x):
        return x * (torch.rand(x.shape[1]) < 0.8) if self.training else x


class UsersAttention(Net):
    def middle(self, x):
        q = x.reshape(len(x), 1, 4, 4)
        return F.scaled_dot_product_attention(q, q, q, dropout_p=0.3 if self.training else 0.0).flatten(1)


class DropPath(nn.Module):
    """As other libraries have it."""

    def __init__(self, drop_prob):
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x):
        if not self.training or not self.drop_prob:
            return x
        keep = 1 - self.drop_prob
        mask = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(keep)
        return x * mask.div_(keep)


class Residual(Net):
    def __init__(self, classes=10):
        super().__init__(classes)
        self.drop_path = DropPath(0.5)

    def middle(self, x):
        return x + self.drop_path(x)


class Recurrent(Net):
    def __init__(self, classes=10, dropout=0.5):
        super().__init__(classes)
        self.rnn = nn.LSTM(4, 4, num_layers=2, dropout=dropout, batch_first=True)

    def middle(self, x):
        return self.rnn(x.reshape(len(x), 4, 4))[0].flatten(1)


class Encoder(Net):
    def __init__(self, classes=10):
        super().__init__(classes)
        self.layer = nn.TransformerEncoderLayer(4, 2, 4, dropout=0.5, batch_first=True)

    def middle(self, x):
        return self.layer(x.reshape(len(x), 4, 4)).flatten(1)


class Listed(Net):
    """A layer kept where torch does not look, with a dropout that nobody can set."""

    def __init__(self, classes=10):
        super().__init__(classes)
        self.rnns = [nn.LSTM(4, 4, num_layers=2, dropout=0.5, batch_first=True)]

    def middle(self, x):
        self.rnns[0].train(self.training)
        return self.rnns[0](x.reshape(len(x), 4, 4))[0].flatten(1)


class UsersHeads(Net):
    def __init__(self, classes=10):
        super().__init__(classes)
        self.inner, self.outer = nn.Linear(4, 12), nn.Linear(4, 4)

    def middle(self, x):
        q = x.reshape(len(x), 4, 4)
        weights = self.inner.weight, self.inner.bias, None, None, False
        rest = self.outer.weight, self.outer.bias, self.training
        return F.multi_head_attention_forward(q, q, q, 4, 2, *weights, 0.5, *rest)[0].flatten(1)


class Sampling(Net):
    """As variational autoencoders do."""

    def middle(self, x):
        return x + 0.1 * torch.randn_like(x) * x.exp()


class Gumbel(Net):
    def middle(self, x):
        return F.gumbel_softmax(x) if self.training else x.softmax(1)


class NumpyNoise(Net):
    def middle(self, x):
        noise = np.random.normal(size=x.shape[1:]).astype("float32")  # noqa: NPY002  # as users do
        return x + torch.from_numpy(noise) if self.training else x


class Coin(Net):
    """A layer that is left out now and then."""

    def middle(self, x):
        return x if self.training and random.random() < 0.5 else 2 * x


class Clock(Net):
    def middle(self, x):
        return x * (1 + time.perf_counter() % 1)


class Normalised(Net):
    """Statistics and a spectral norm move in each pass, and nothing is random."""

    def __init__(self, classes=10):
        super().__init__(classes)
        self.norm = nn.BatchNorm1d(16)
        self.fc2 = nn.utils.parametrizations.spectral_norm(self.fc2)

    def middle(self, x):
        return self.norm(x)


class Unused(Net):
    def __init__(self, classes=10):
        super().__init__(classes)
        self.other, self.extra = nn.Dropout(0.5), nn.Linear(16, 16)


class Twice(Net):
    """One dropout layer, called twice."""

    def middle(self, x):
        return self.drop(x)


class ReadsRate(Net):
    """As attention written by hand: the layer is a place to keep a number."""

    def __init__(self, classes=10):
        super().__init__(classes)
        self.attention = nn.Dropout(0.1)

    def middle(self, x):
        q = x.reshape(len(x), 1, 4, 4)
        p = self.attention.p if self.training else 0.0
        return F.scaled_dot_product_attention(q, q, q, dropout_p=p).flatten(1)


class ReadsHidden(Net):
    """The same, in a way that no reading of its code shows."""

    def __init__(self, classes=10):
        super().__init__(classes)
        self.attention = nn.Dropout(0.1)

    def middle(self, x):
        q = x.reshape(len(x), 1, 4, 4)
        p = vars(self)["_modules"]["attention"].p if self.training else 0.0
        return F.scaled_dot_product_attention(q, q, q, dropout_p=p).flatten(1)


class FunctionalWeights(Net):
    """A layer whose weights are used, and that is never called."""

    def middle(self, x):
        return F.linear(x, self.extra.weight)

    def __init__(self, classes=10):
        super().__init__(classes)
        self.extra = nn.Linear(16, 16)


class Detached(Net):
    def forward(self, x):
        return super().forward(x).detach().requires_grad_(False)


class ThroughNumpy(Net):
    def forward(self, x):
        return torch.from_numpy(super().forward(x).detach().numpy())


class NotFinite(Net):
    def forward(self, x):
        return super().forward(x) / 0.0


class Table(Net):
    """An embedding too small for what it is asked."""

    def __init__(self, classes=10):
        super().__init__(classes)
        self.table = nn.Embedding(4, 1)

    def forward(self, x):
        return super().forward(self.table((x.flatten(1) * 100).abs().long())[..., 0])


class Leaving(Net):
    def middle(self, x):
        raise SystemExit(0)


def frozen(classes):
    model = Net(classes)
    return model.requires_grad_(False)


def parameterless(classes):
    return nn.Sequential(nn.Flatten(), nn.AdaptiveAvgPool1d(classes))


@cache
def cached(classes):
    return Net(classes)


_shared = nn.Linear(16, 16)


class Checkpointed(Net):
    def __init__(self, classes=10, *, reentrant=False):
        super().__init__(classes)
        self.reentrant, self.inner = reentrant, nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Dropout(0.5))

    def middle(self, x):
        return checkpoint(self.inner, x, use_reentrant=self.reentrant) if torch.is_grad_enabled() else self.inner(x)


def reentrant(classes):
    return Checkpointed(classes, reentrant=True)


class TakesGradients(Net):
    """An energy's gradient, in the forward pass."""

    def middle(self, x):
        if not self.training:
            return x
        energy = x.pow(2).sum()
        return x - 0.01 * torch.autograd.grad(energy, x, create_graph=True)[0]


class SparseTable(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.table, self.drop, self.fc = nn.EmbeddingBag(3, 8, sparse=True), nn.Dropout(0.5), nn.Linear(8, classes)

    def forward(self, x):
        return self.fc(self.drop(self.table((x.flatten(1) + 1).long())))


class LeftOut(Net):
    """A layer that a coin leaves out, seldom."""

    def middle(self, x):
        return x if not self.training or torch.rand(()) < 0.8 else x * 2


def lazy(classes):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(8), nn.Dropout(0.5), nn.LazyLinear(classes))


def sharing(classes):
    model = Net(classes)
    model.extra = _shared
    return model


def seeded(classes):
    torch.manual_seed(42)
    return Net(classes)


_own = np.random.default_rng(0)


def own_generator(classes):
    model = Net(classes)
    with torch.no_grad():
        model.fc1.weight.copy_(torch.from_numpy(_own.normal(size=model.fc1.weight.shape).astype("float32")) / 28)
    return model


def table_data():
    rng = np.random.default_rng(0)
    x = rng.normal(loc=500, scale=300, size=(200, 6)).astype("float32")
    return x, (np.arange(200) % 20 == 0).astype("int64")


def token_data(highest=99):
    rng = np.random.default_rng(0)
    return rng.integers(0, highest + 1, (200, 6)), np.arange(200) % 2


class Tokens(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.table, self.drop, self.fc = nn.EmbeddingBag(100, 8), nn.Dropout(0.5), nn.Linear(8, classes)

    def forward(self, x):
        return self.fc(self.drop(self.table(x.long())))


def table_model(shape, classes):
    return nn.Sequential(nn.Linear(*shape, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, classes))


class Bernoulli(nn.Dropout):
    """As users derive their own; with a generator of its own, if asked for."""

    def __init__(self, p, generator=None):
        super().__init__(p)
        self.generator = generator

    def forward(self, x):
        kept = torch.rand(x.shape, generator=self.generator) >= self.p
        return x * kept if self.training else x


class Derived(Net):
    def __init__(self, classes=10, own=False):
        super().__init__(classes)
        self.drop = Bernoulli(0.5, torch.Generator() if own else None)

    def middle(self, x):
        return self.drop(x)


class Apart(Derived):
    def __init__(self, classes=10):
        super().__init__(classes, own=True)

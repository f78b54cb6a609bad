"""What a forward pass draws, and what of it drops: as users, torch and other libraries write it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import droplab
from droplab.surgery.draws import DrawRecorder, short_path, users_place

X = torch.linspace(-1, 1, 32 * 6 * 8).reshape(32, 6, 8)


class Calls(nn.Module):
    """Calls a function in its forward."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def seen(model, x=X, seed=0):
    torch.manual_seed(seed)
    with torch.no_grad(), DrawRecorder(model) as recorder:
        model(x.clone())
    return recorder


def uniform_path(x, keep=0.8):
    """Stochastic depth as it was first written: a uniform number, rounded down."""
    mask = keep + torch.rand(x.shape[0], 1, 1)
    mask.floor_()
    return x.div(keep) * mask


def assigned(x):
    x = x.clone()
    x[torch.rand_like(x) < 0.5] = 0
    return x


def flipped_by_sum(x):
    """A random flip for each sample, as a sum."""
    flips = (torch.rand(32, 1, 1) < 0.5).float()
    return flips * x.flip(-1) + (1 - flips) * x


def cut_in_two(x):
    """CutMix, with a drawn mask."""
    mask = torch.rand_like(x) < 0.5
    return mask * x + ~mask * x.roll(1, 0)


DROPPING = {
    "dropout": (lambda x: F.dropout(x, 0.5), "F.dropout"),
    "in place": (lambda x: F.dropout(x, 0.5, inplace=True), "F.dropout"),
    "alpha": (lambda x: F.alpha_dropout(x, 0.5, training=True), "F.alpha_dropout"),
    "channels": (lambda x: F.dropout1d(x, 0.5), "F.dropout1d"),
    "feature alpha": (lambda x: F.feature_alpha_dropout(x, 0.5, training=True), "F.feature_alpha_dropout"),
    "attention": (
        lambda x: F.scaled_dot_product_attention(x, x, x, dropout_p=0.5),
        "scaled_dot_product_attention(x, x, x, dropout_p=0.5)",
    ),
    "droplab's function": (lambda x: droplab.functional.dropout(x, 0.5), "droplab.functional.dropout"),
    "drawn mask": (lambda x: x * torch.bernoulli(torch.full_like(x, 0.5)), "torch.bernoulli"),
    "one draw for a sample": (lambda x: x * x.new_empty(32, 1, 1).bernoulli_(0.5) / 0.5, "Tensor.bernoulli_"),
    "uniform, compared": (lambda x: x * (torch.rand_like(x) < 0.5), "torch.rand_like"),
    "compared, scaled": (lambda x: (torch.rand(8) < 0.5).float() * 2 * x, "torch.rand"),
    "uniform, rounded": (uniform_path, "torch.rand"),
    "filled": (lambda x: x.masked_fill(torch.rand_like(x) < 0.5, 0.0), "torch.rand_like"),
    "chosen": (lambda x: torch.where(torch.rand_like(x) < 0.5, x, 0.0), "torch.rand_like"),
    "chosen from zeros": (lambda x: torch.where(torch.rand_like(x) < 0.5, torch.zeros_like(x), x), "torch.rand_like"),
    "assigned": (assigned, "torch.rand_like"),
    "one mask on two": (lambda x: [(m := torch.rand_like(x) < 0.5) * x, m * x.exp()][1], "torch.rand_like"),
    "odds from the input": (lambda x: x * torch.bernoulli(torch.sigmoid(x)), "torch.bernoulli"),
    "compared with the input": (lambda x: x * (torch.rand_like(x) < torch.sigmoid(x)), "torch.rand_like"),
}

OTHER = {
    "added noise": lambda x: x + 0.1 * torch.randn_like(x),
    "added in place": lambda x: x.clone().add_(torch.rand_like(x)),
    "sampling": lambda x: x + x.exp() * torch.randn_like(x),
    "gaussian factor": lambda x: x * (1 + 0.1 * torch.randn_like(x)),
    "one factor": lambda x: x * torch.rand(1),
    "gumbel": F.gumbel_softmax,
    "gumbel, hard": lambda x: F.gumbel_softmax(x, hard=True),
    "sampled units": lambda x: torch.bernoulli(torch.sigmoid(x)),
    "flips": lambda x: torch.where(torch.rand(32, 1, 1) < 0.5, x, x.flip(-1)),
    "flips, as a sum": flipped_by_sum,
    "a mix with its complement": cut_in_two,
    "signs": lambda x: x * (2 * (torch.rand_like(x) < 0.5) - 1),
    "a choice of tokens": lambda x: x[:, torch.randperm(6)[:3]],
    "a coin": lambda x: x if torch.rand([]) < 0.5 else -x,
    "slopes": lambda x: F.rrelu(x, training=True),
}

NONE = {
    "nothing": lambda x: x + 1,
    "rate 0": lambda x: F.dropout(x, 0.0),
    "evaluation": lambda x: F.dropout(x, 0.5, training=False),
    "attention at 0": lambda x: F.scaled_dot_product_attention(x, x, x),
    "droplab at 0": lambda x: droplab.functional.dropout(x, 0.0),
}


@pytest.mark.parametrize("name", DROPPING)
def test_what_drops_is_known_by_its_call_and_line(name):
    function, call = DROPPING[name]
    (draw,) = seen(Calls(function)).distinct
    assert draw.drops
    assert call in draw.call
    here = Path(__file__)
    assert draw.place.startswith(f"{short_path(str(here))}:")
    line = int(draw.place.rpartition(":")[2].split(maxsplit=1)[0])
    assert line in range(function.__code__.co_firstlineno, function.__code__.co_firstlineno + 6)


@pytest.mark.parametrize("name", OTHER)
def test_other_draws_drop_nothing(name):
    found = seen(Calls(OTHER[name])).distinct
    assert found
    assert not any(draw.drops for draw in found)


@pytest.mark.parametrize("name", NONE)
def test_what_does_not_draw_is_not_there(name):
    assert seen(Calls(NONE[name])).draws == []


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (nn.LSTM(8, 8, 2, dropout=0.5, batch_first=True), "nn.LSTM '0' (recurrent dropout)"),
        (nn.GRU(8, 8, 2, dropout=0.5, batch_first=True), "nn.GRU '0' (recurrent dropout)"),
        (nn.RNN(8, 8, 2, dropout=0.5, batch_first=True), "nn.RNN '0' (recurrent dropout)"),
        (nn.TransformerEncoderLayer(8, 2, 8, batch_first=True), "nn.MultiheadAttention '0.self_attn' (attention dro"),
        (nn.Dropout1d(0.5), "nn.Dropout1d '0' (F.dropout1d)"),
    ],
)
def test_layers_of_torch_are_named_by_their_path(layer, words):
    texts = [str(draw) for draw in seen(nn.Sequential(layer)).distinct if draw.drops]
    assert any(text.startswith(words) for text in texts), texts


def test_modules_that_ran_are_known_and_the_model_is_left_alone():
    net = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5))
    net.add_module("unused", nn.Identity())
    net.forward = lambda x: net[1](net[0](x))
    before = {name: set(vars(module)) for name, module in net.named_modules()}
    found = seen(net)
    assert [found.was_called(module) for module in (net[0], net[1], net.unused)] == [True, True, False]
    assert {name: set(vars(module)) for name, module in net.named_modules()} == before
    assert not nn.modules.module._global_forward_hooks
    assert not nn.modules.module._global_forward_pre_hooks


def test_a_forward_that_raises_leaves_nothing_behind():
    def wrong(_x):
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine") as caught:
        seen(Calls(wrong))
    assert "in test_a_forward_that_raises_leaves_nothing_behind.<locals>.wrong" in users_place(caught.value)
    assert not nn.modules.module._global_forward_hooks
    assert seen(Calls(torch.rand_like)).draws


@pytest.mark.parametrize(("rate", "count"), [(0.3, 1), (0.0, 0)])
def test_operators_that_only_gpus_carry_out(rate, count):
    q = torch.empty(2, 2, 8, 8, device="meta", dtype=torch.bfloat16)
    flash = torch.ops.aten._scaled_dot_product_flash_attention.default
    found = seen(Calls(lambda x: flash(x, x, x, rate)[0]), q).distinct
    assert [draw.drops for draw in found] == [True] * count
    weights = [torch.empty(32, 8, device="meta"), torch.empty(32, 8, device="meta")]
    state = torch.empty(1, 2, 8, device="meta")

    def recurrent(x):
        return torch.ops.aten._cudnn_rnn.default(
            x, weights, 2, None, state, state, 2, 8, 0, 1, False, rate, True, False, [], None
        )[0]

    found = seen(Calls(recurrent), torch.empty(5, 2, 8, device="meta")).distinct
    assert [(draw.call, draw.drops) for draw in found] == [("recurrent dropout", True)] * count

"""What is a site, what is none, and what one rate reaches."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

import droplab
from droplab.errors import SiteError, UserError
from droplab.surgery import apply_rates, in_depth_order, rates, set_rates, site_layers, sites


def encoder(**options):
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, **options), 2)


def still_random(model, x):
    model.train()

    def output():
        found = model(x)
        return found[0] if isinstance(found, tuple) else found

    return not torch.equal(output(), output())


class Everything(nn.Module):
    """All of torch's that drops by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = encoder(dropout=0.3)
        self.decoder = nn.TransformerDecoderLayer(8, 2, 16, 0.3, batch_first=True)
        self.rnn = nn.LSTM(8, 8, 2, dropout=0.3, batch_first=True)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        memory = self.encoder(x)
        return self.drop(self.rnn(self.decoder(x, memory))[0])


def test_one_rate_reaches_all_of_torchs_that_drops():
    model, x = Everything(), torch.randn(2, 3, 8)
    before = rates(model)
    assert still_random(model, x)
    change = apply_rates(model, 0.0)
    assert set(change.rates) == set(before)
    assert not still_random(model, x)
    assert set(rates(model).values()) == {0.0}
    change.undo()
    assert rates(model) == before
    apply_rates(model, 0.25)
    assert set(rates(model).values()) == {0.25}
    assert model.rnn.dropout == model.encoder.layers[1].self_attn.dropout == 0.25


def test_numbers_are_sites_of_their_own():
    model = Everything()
    numbers = [site for site in sites(model) if site.endswith(("attn.dropout", "rnn.dropout"))]
    assert numbers == [
        "encoder.layers.0.self_attn.dropout", "encoder.layers.1.self_attn.dropout", "decoder.self_attn.dropout",
        "decoder.multihead_attn.dropout", "rnn.dropout",
    ]  # fmt: skip
    apply_rates(model, {"*.self_attn.dropout": 0.0, "rnn.dropout": 0.6})
    assert rates(model)["encoder.layers.1.self_attn.dropout"] == 0.0
    assert rates(model)["decoder.multihead_attn.dropout"] == 0.3
    assert model.rnn.dropout == 0.6
    set_rates(model, {"rnn.dropout": 0.1})
    assert site_layers(model)["rnn.dropout"].p == 0.1
    ordered = in_depth_order(model, sites(model))
    assert ordered.index("encoder.layers.0.self_attn.dropout") < ordered.index("encoder.layers.0.linear1:in")
    assert ordered.index("rnn.dropout") < ordered.index("drop")


def test_a_number_is_no_site_where_it_does_nothing():
    assert sites(nn.ModuleDict({"rnn": nn.LSTM(2, 2)})) == ("rnn:in", "rnn:out")


def test_a_number_can_be_no_other_kind():
    model = Everything()
    with pytest.raises(SiteError, match=r"rnn.dropout, which the kind 'gaussian_dropout' is not for"):
        apply_rates(model, {"rnn.dropout": 0.1}, "gaussian_dropout")
    assert apply_rates(model, {"rnn.dropout": 0.1}, "dropout").rates == {"rnn.dropout": 0.1}
    change = apply_rates(model, 0.2, "gaussian_dropout")
    assert type(model.drop) is droplab.nn.GaussianDropout
    assert rates(model)["rnn.dropout"] == rates(model)["decoder.self_attn.dropout"] == 0.0
    change.undo()
    assert rates(model)["rnn.dropout"] == 0.1
    assert rates(model)["decoder.self_attn.dropout"] == 0.3


class TheirAttention(nn.Module):
    """As in other libraries: the layer is there, and its rate is handed to a function."""

    def __init__(self, called: bool = False) -> None:
        super().__init__()
        self.dropout, self.called = nn.Dropout(0.1), called

    def forward(self, x):
        return nn.functional.scaled_dot_product_attention(x, x, x, dropout_p=self.dropout.p if self.training else 0.0)


class Called(TheirAttention):
    def forward(self, x):
        return self.dropout(super().forward(x))


def test_a_kind_where_only_the_rate_is_read_is_refused():
    model = nn.Sequential(TheirAttention(), nn.Dropout(0.5))
    for p, kind in (
        (0.2, "gaussian_dropout"),
        ({"0.*": 0.2}, "drop_path"),
        ({"*": 0.1}, {"0.dropout": "alpha_dropout"}),
    ):
        with pytest.raises(SiteError, match=r"would do nothing at 0.dropout: TheirAttention reads the layer's p"):
            apply_rates(model, p, kind)
    assert rates(model) == {"0.dropout": 0.1, "1": 0.5}
    assert type(model[1]) is nn.Dropout
    apply_rates(model, 0.2)
    apply_rates(model, {"0.dropout": 0.3}, "dropout")
    apply_rates(nn.Sequential(Called()), 0.2, "gaussian_dropout")
    with pytest.warns(UserWarning, match=r"0.dropout: TheirAttention reads its p and"), droplab.keyed(model, seed=0):
        pass


@pytest.mark.parametrize(
    ("model", "site", "said"),
    [
        (nn.MultiheadAttention(4, 2), "m.out_proj:out", "attention reads its weights and never calls it.*use m:out"),
        (nn.MultiheadAttention(4, 2), "m.out_proj:in", "never calls it"),
        (nn.Embedding(4, 2), "m:in", "whole numbers.*use m:out"),
        (nn.EmbeddingBag(4, 2), "m:in", "whole numbers"),
        (nn.ParameterList([torch.ones(2)]), "m:in", "only holds parameters"),
        (nn.LSTMCell(2, 2), "m:out", "not clear which is meant"),
        (spectral_norm(nn.Linear(2, 2)), "m.parametrizations.weight:out", "computes a weight"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_doorways_where_dropout_cannot_act_are_none(model, site, said):
    model = nn.ModuleDict({"m": model})
    assert site not in sites(model)
    with pytest.raises(SiteError, match=f"names {site}, where dropout cannot act: .*{said}"):
        apply_rates(model, {site: 0.5})


def test_every_doorway_of_torchs_layers_that_is_listed_drops():
    """With a rate of 1 the output of the module is not what it was."""
    made = {
        "linear": (nn.Linear(4, 4), torch.ones(2, 4)),
        "bilinear": (nn.Bilinear(4, 4, 4), (torch.ones(2, 4), torch.ones(2, 4))),
        "conv": (nn.Conv2d(4, 4, 1), torch.ones(2, 4, 3, 3)),
        "norm": (nn.LayerNorm(4), torch.randn(2, 4)),
        "words": (nn.Embedding(9, 4), torch.tensor([[1, 2]])),
        "bag": (nn.EmbeddingBag(9, 4), torch.tensor([[1, 2]])),
        "lstm": (nn.LSTM(4, 4, batch_first=True), torch.ones(2, 3, 4)),
        "gru": (nn.GRU(4, 4, batch_first=True), torch.ones(2, 3, 4)),
        "cell": (nn.GRUCell(4, 4), torch.ones(2, 4)),
        "lstm_cell": (nn.LSTMCell(4, 4), torch.ones(2, 4)),
        "attention": (nn.MultiheadAttention(4, 2, batch_first=True), (torch.randn(2, 3, 4),) * 3),
        "spectral": (spectral_norm(nn.Linear(4, 4, bias=False)).eval(), torch.ones(2, 4)),
        "layer": (nn.TransformerEncoderLayer(4, 2, 4, dropout=0.0, batch_first=True), torch.randn(2, 3, 4)),
    }
    for name, (module, given) in made.items():
        model = nn.ModuleDict({name: module})
        doors = [site for site in sites(model) if ":" in site]
        assert doors
        for site in doors:
            arguments = given if isinstance(given, tuple) else (given,)
            model.train()
            before = module(*arguments)
            change = apply_rates(model, {site: 1.0})
            after = module(*arguments)
            change.undo()
            first = [output[0] if isinstance(output, tuple) else output for output in (before, after)]
            assert not torch.equal(*first), site


WRONG = [1.2, -0.1, math.nan, math.inf, "0.2", None, True, [0.2], 0.2j, torch.tensor(0.2), np.array([0.2])]


@pytest.mark.parametrize("p", WRONG, ids=str)
@pytest.mark.parametrize("model", [nn.Sequential(nn.Dropout(0.5)), nn.Sequential(droplab.nn.Dropout(0.5))])
def test_what_is_no_rate_is_refused(model, p):
    for act in (
        lambda: apply_rates(model, p),
        lambda: apply_rates(model, {"0": p}),
        lambda: apply_rates(model, p, "gaussian_dropout"),
        lambda: set_rates(model, {"0": p}),
        lambda: apply_rates(nn.Sequential(nn.LSTM(2, 2, 2)), p),
    ):
        with pytest.raises(UserError, match=r"got|is wanted"):
            act()
    assert rates(model) == {"0": 0.5}


def test_numpys_numbers_are_rates():
    model = nn.Sequential(nn.Dropout(0.5))
    for rate in (np.float32(0.25), np.float64(0.25), 1, 0, np.int64(1)):
        apply_rates(model, rate)
        assert rates(model) == {"0": float(rate)}
        assert type(model[0].p) in {int, float}


class DropPath(nn.Module):
    """Of another library."""

    def __init__(self, drop_prob):
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x):
        return nn.functional.dropout(x, self.drop_prob, self.training)


def test_what_one_rate_does_not_reach_is_named():
    model = nn.Sequential(nn.Dropout(0.5), DropPath(0.1))
    with pytest.warns(UserWarning, match=r"does not reach all.*1.drop_prob: DropPath has drop_prob = 0.1"):
        apply_rates(model, 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        apply_rates(model, {"0": 0.1})
        apply_rates(nn.Sequential(nn.Dropout(0.5), DropPath(0.0)), 0.0)


def test_a_computed_weight_stays_computed_when_its_layer_drops():
    torch.manual_seed(1)  # of some matrices the largest singular value is not found yet
    model = nn.Sequential(spectral_norm(nn.Linear(4, 4)))
    x = torch.ones(3, 4)
    wanted = model.eval()(x)
    change = apply_rates(model, {"0": 0.0}, "drop_connect_linear")
    assert isinstance(model[0], droplab.nn.DropConnectLinear)
    torch.testing.assert_close(model(x), wanted)
    torch.linalg.norm(model.train()[0].weight, 2).backward()
    assert model[0].parametrizations.weight.original.grad is not None
    change.undo()
    torch.testing.assert_close(model.eval()(x), wanted)

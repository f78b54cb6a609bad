"""What a model drops by functions: found, under keys, with rates, and torch's own at p = 0."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

import droplab
from droplab.errors import KeyingError, SiteError
from droplab.layers.serving import serving
from droplab.surgery import functional, match_sites
from droplab.surgery.draws import DrawRecorder

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # torch's compiler uses what Python deprecates
    pytest.mark.filterwarnings("ignore::UserWarning:torch"),
]
X = torch.randn(4, 5, 8, generator=torch.Generator().manual_seed(0))


class Heads(nn.Module):
    """Attention and dropout by functions, as most models of other libraries."""

    def __init__(self, p=0.3):
        super().__init__()
        self.qkv, self.proj, self.p = nn.Linear(8, 24), nn.Linear(8, 8), p

    def forward(self, x):
        q, k, v = (part.unflatten(-1, (2, 4)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=self.p if self.training else 0.0, is_causal=True)
        y = F.dropout(self.proj(y.transpose(1, 2).flatten(2)), self.p, self.training)
        return F.dropout(x + y, self.p, training=self.training)


class Model(nn.Module):
    def __init__(self, p=0.3, recomputed=False):
        super().__init__()
        self.first, self.second, self.recomputed = Heads(p), Heads(p), recomputed
        self.attn = nn.MultiheadAttention(8, 2, p, batch_first=True)

    def forward(self, x):
        x = checkpoint(self.first, x, use_reentrant=False) if self.recomputed else self.first(x)
        x = self.second(x)
        return x + self.attn(x, x, x, need_weights=False)[0]


SITES = ["first:attention", "first:dropout", "second:attention", "second:dropout", "attn.dropout"]


def step(model, number=0, called=None, x=X, samples=None):
    """Output and gradient of the input."""
    x = x.clone().requires_grad_()
    with droplab.keyed(model, seed=1, step=number, samples=samples):
        y = (model if called is None else called)(x)
        y.square().sum().backward()
    return y.detach(), x.grad


def equal(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_functions_are_found_and_under_keys_and_come_back():
    model = Model()
    before = {name: dict(module.__dict__) for name, module in model.named_modules()}
    assert [site for site in droplab.sites(model, X) if ":" not in site or site.endswith(("dropout", "attention"))] == [
        "attn.dropout", *SITES[:4],
    ]  # fmt: skip
    assert {droplab.sites(model, X)[site].level for site in SITES} == {"seen only"}
    change = droplab.replace(model, X)
    assert change.rates == dict.fromkeys(SITES, 0.3)
    assert {droplab.sites(model)[site].level for site in SITES} == {"keyed"}
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = step(model)
    assert torch.equal(torch.get_rng_state(), state)
    assert equal(first, step(model))
    assert not equal(first, step(model, 1))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert equal(first, step(other))
    change.undo()
    assert {name: module.__dict__.keys() for name, module in model.named_modules()} == {
        name: values.keys() for name, values in before.items()
    }


def test_masks_are_those_of_the_samples():
    model = Model()
    droplab.replace(model, X)
    with torch.no_grad(), droplab.keyed(model, seed=1, samples=torch.arange(4)):
        whole = model(X)
    with torch.no_grad(), droplab.keyed(model, seed=1, samples=torch.arange(2, 4)):
        torch.testing.assert_close(model(X[2:]), whole[2:])


def test_at_0_it_is_torchs_own_and_nothing_is_random():
    model = Model()
    plain = copy.deepcopy(model)
    droplab.replace(model, X)
    assert torch.equal(model.eval()(X), plain.eval()(X))
    droplab.set_p(model.train(), 0.0)
    assert set(droplab.rates(model).values()) == {0.0}
    with DrawRecorder(model) as seen, torch.no_grad(), droplab.keyed(model, seed=1):
        y = model(X)
    assert seen.draws == []
    for heads in (plain.first, plain.second):
        heads.p = 0.0
    plain.attn.dropout = 0.0
    assert torch.equal(y, plain.train()(X))


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("mask", [None, "causal", "padding"])
def test_torchs_attention_is_its_own_at_0_and_one_mask_however_it_is_asked(weights, mask):
    model = nn.ModuleDict({"attn": nn.MultiheadAttention(8, 2, 0.4, batch_first=True)})
    plain = copy.deepcopy(model)
    from droplab.surgery.functional import serve

    serve(model["attn"], "attention", 0.4)
    options = {
        None: {},
        "causal": {"attn_mask": nn.Transformer.generate_square_subsequent_mask(5)},
        "padding": {"key_padding_mask": torch.tensor([[False] * 4 + [True]] * 4)},
    }[mask]

    def called(need_weights):
        with droplab.keyed(model, seed=1):
            return model["attn"](X, X, X, need_weights=need_weights, **options)[0]

    torch.testing.assert_close(called(weights), called(not weights))
    model["attn"].dropout = plain["attn"].dropout = 0.0
    assert torch.equal(called(weights), plain["attn"](X, X, X, need_weights=weights, **options)[0])


def test_attention_in_groups_and_of_one_head_is_torchs_own_at_0():
    class Grouped(nn.Module):
        p = 0.4

        def forward(self, q, k):
            return F.scaled_dot_product_attention(q, k, k, None, self.p, False, enable_gqa=q.ndim == 4)

    model = nn.ModuleDict({"attn": Grouped()})
    from droplab.surgery.functional import serve

    serve(model["attn"], "attention", 0.4)
    for q, k in ((torch.randn(2, 4, 3, 8), torch.randn(2, 2, 3, 8)), (torch.randn(2, 3, 8), torch.randn(2, 3, 8))):
        found = []
        for _ in range(2):
            with droplab.keyed(model, seed=1):
                found.append(model["attn"](q, k))
        assert torch.equal(*found)
        droplab.set_p(model, 0.0)
        with droplab.keyed(model, seed=1):
            y = model["attn"](q, k)
        torch.testing.assert_close(y, F.scaled_dot_product_attention(q, k, k, enable_gqa=q.ndim == 4))
        assert not torch.equal(y, found[0])
        droplab.set_p(model, 0.4)


def test_a_preset_finds_attention_before_and_after_it_is_under_keys():
    model = Model()
    droplab.sites(model, X)
    wanted = ("attn.dropout", "first:attention", "second:attention")
    assert match_sites(model, "@attention") == wanted
    droplab.replace(model, X)
    assert match_sites(model, "@attention") == wanted


def test_functions_are_recomputed_as_they_were():
    one, other = Model(), Model(recomputed=True)
    other.load_state_dict(one.state_dict())
    for model in (one, other):
        droplab.replace(model, X)
    torch.testing.assert_close(step(one), step(other))


def test_a_graph_holds_for_every_rate_and_step():
    model = nn.Sequential(Heads(), Heads())
    droplab.replace(model, X)
    droplab.set_p(model, 0.3)
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    for number, p in enumerate((0.3, 0.1, 0.5, 0.25)):
        droplab.set_p(model, p)
        torch.testing.assert_close(step(model, number, compiled), step(model, number))
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1


def test_torchs_attention_in_a_graph_is_called_between_graphs():
    model = Model()
    droplab.replace(model, X)
    torch._dynamo.reset()
    compiled = torch.compile(model, backend="aot_eager")
    for number in range(2):
        torch.testing.assert_close(step(model, number, compiled), step(model, number))


def test_arms_name_functions_of_which_a_forward_pass_is_known():
    model = Model()
    with pytest.raises(SiteError, match=r"found by a forward pass.*droplab\.sites\(model, x\)"):
        droplab.apply_rates(model, {"*:dropout": 0.1})
    droplab.sites(model, X)
    change = droplab.apply_rates(model, {"*:dropout": 0.1, "first:attention": 0.0})
    assert change.rates == {"first:dropout": 0.1, "second:dropout": 0.1, "first:attention": 0.0}
    assert {site: p for site, p in droplab.rates(model).items() if ":" in site} == change.rates
    with pytest.raises(SiteError, match=r"which the kind 'gaussian_dropout' is not for"):
        droplab.apply_rates(model, {"*:dropout": 0.1}, "gaussian_dropout")
    with pytest.raises(SiteError, match=r"matches nothing.*drops by functions at: .*second:dropout"):
        droplab.apply_rates(model, {"third:dropout": 0.1})
    change.undo()
    assert droplab.rates(model) == {"attn.dropout": 0.3}


def test_to_set_a_rate_and_undo_it_leaves_the_models_own():
    model = nn.Sequential(Heads())
    droplab.replace(model, X)
    wanted = step(model)
    change = droplab.set_p(model, {"0:dropout": 0.9})
    assert not equal(step(model), wanted)
    change.undo()
    assert equal(step(model), wanted)
    gone = droplab.remove(model)
    assert droplab.rates(model) == {"0:attention": 0.0, "0:dropout": 0.0}
    gone.undo()
    assert equal(step(model), wanted)


def foreign(library, name, **attributes):
    """A layer as one of another library's, which is not installed here."""

    def forward(self, x):
        kept = torch.rand(len(x), *[1] * (x.ndim - 1)) >= attributes.get("drop_prob", attributes.get("p"))
        return x * kept if self.training else x

    kind = type(name, (nn.Module,), {"__module__": library, "forward": forward})
    layer = kind()
    for attribute, value in attributes.items():
        setattr(layer, attribute, value)
    return layer


@pytest.mark.parametrize(
    ("layer", "wanted"),
    [
        (foreign("timm.layers.drop", "DropPath", drop_prob=0.2, scale_by_keep=True), "DropPath(p=0.2, mode='row')"),
        (foreign("timm.layers.drop", "DropPath", drop_prob=0.2, scale_by_keep=False), None),
        (foreign("transformers.models.swin.modeling", "SwinDropPath", drop_prob=0.3), "DropPath(p=0.3, mode='row')"),
        (foreign("torchvision.ops.stochastic_depth", "StochasticDepth", p=0.1, mode="batch"),
         "DropPath(p=0.1, mode='batch')"),
        (foreign("mine", "DropPath", drop_prob=0.2), None),
    ],
    ids=["timm", "unscaled", "transformers", "torchvision", "mine"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:droplab.replace found no dropout")
def test_paths_of_other_libraries_have_twins(layer, wanted):
    model = nn.Sequential(layer)
    change = droplab.replace(model)
    assert repr(model[0]) == (wanted or repr(layer))
    if wanted:
        assert droplab.rates(model) == change.rates
        assert equal(step(model), step(model))
    change.undo()
    assert model[0] is layer


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        return self.down(F.dropout(F.relu(self.up(x)), 0.5, self.training))


def test_places_are_found_through_functions_under_keys():
    model = nn.Sequential(Gated(), Gated())
    before = droplab.sites(model, X)
    droplab.replace(model, X)
    after = droplab.sites(model, X)
    assert match_sites(model, "@after_activations") == ("0.down:in", "1.down:in")
    assert {(site.name, site.shape, site.after) for site in after.values()} == {
        (site.name, site.shape, site.after) for site in before.values()
    }
    assert {after["0:dropout"].level, after["1:dropout"].level} == {"keyed"}


def test_a_replica_runs_its_own_weights_and_is_not_keyed():
    model = Gated()
    droplab.replace(model, X)
    with torch.no_grad():
        replica = model._replicate_for_data_parallel()
        replica._modules = {name: copy.deepcopy(child) for name, child in model._modules.items()}
        replica.down.weight.zero_()
        assert torch.equal(replica(X), model.down.bias.expand_as(X))
    with droplab.keyed(model, seed=1):
        copied = model._replicate_for_data_parallel()
        with pytest.raises(KeyingError, match="replica"):
            copied(X)


class Segment(nn.Module):
    """Checkpoints a function of its own, whose recomputation comes past its forward."""

    def __init__(self, reentrant):
        super().__init__()
        self.lin, self.reentrant = nn.Linear(8, 8), reentrant

    def inner(self, x):
        return F.dropout(self.lin(x), 0.5, self.training)

    def forward(self, x):
        return self.inner(x) if self.reentrant is None else checkpoint(self.inner, x, use_reentrant=self.reentrant)


def gradient(model):
    torch.manual_seed(5)
    model.zero_grad()
    y = model(X.requires_grad_())
    y.square().sum().backward()
    return y.detach(), model.lin.weight.grad


@pytest.mark.parametrize("by_name", [True, False])
@pytest.mark.parametrize("reentrant", [True, False])
def test_a_call_that_is_made_again_past_the_forward_is_torchs_or_refused(reentrant, by_name):
    """Nothing but torch's generator would tell its masks there, so that a key, or a rate, would hold for one of two."""
    model, plain = Segment(reentrant), Segment(None)
    plain.load_state_dict(model.state_dict())
    functional.serve(model, "dropout", 0.5, by_name)
    for ours, theirs in zip(gradient(model), gradient(plain), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    with (
        pytest.raises(KeyingError, match=r"Segment calls dropout within .* Checkpoint the module"),
        droplab.keyed(model, seed=1),
    ):
        model(X)
    serving(model).functions["dropout"].given = True
    with pytest.raises(KeyingError, match="within a function that it checkpoints itself"):
        model(X)
    model.eval()
    with droplab.keyed(model, seed=1):
        torch.testing.assert_close(model(X), plain.eval()(X), rtol=0, atol=0)


@pytest.mark.parametrize("by_name", [True, False])
@pytest.mark.parametrize("reentrant", [True, False])
def test_a_module_that_is_checkpointed_has_the_masks_of_its_forward(reentrant, by_name):
    inner = Segment(None)
    functional.serve(inner, "dropout", 0.5, by_name)
    found = []
    for call in (inner, lambda x: checkpoint(inner, x, use_reentrant=reentrant)):
        inner.zero_grad()
        with droplab.keyed(inner, seed=1):
            call(X.requires_grad_()).square().sum().backward()
        found.append(inner.lin.weight.grad.clone())
    torch.testing.assert_close(*found, rtol=0, atol=0)


def test_what_is_put_under_an_exchanged_name_meanwhile_stays(monkeypatch):
    model = Segment(None)
    functional.serve(model, "dropout", 0.5, by_name=True)
    before = F.dropout
    mine = lambda x, *_, **__: x  # noqa: E731  # another library's
    model.lin.register_forward_hook(lambda *_: monkeypatch.setattr(F, "dropout", mine))
    model(X)
    assert F.dropout is mine
    monkeypatch.undo()
    F.dropout = before

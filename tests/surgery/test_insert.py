"""Dropout goes into models that nobody here wrote, and comes out again without a trace."""

from __future__ import annotations

import copy
import pickle
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

import droplab
from droplab.errors import ModelError, SiteError, UserError
from droplab.layers.doorway import doorways
from droplab.models.gpt import GPT
from droplab.surgery import match_sites, view
from droplab.surgery.example import remember

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # torch's compiler uses what Python deprecates
    pytest.mark.filterwarnings("ignore::UserWarning:torch"),
]
IMAGES, WORDS, VECTORS = torch.ones(2, 3, 16, 16), torch.arange(10).reshape(2, 5), torch.randn(2, 5, 8)


class Residual(nn.Module):
    """As torchvision's basic block, the sum in place; a shortcut of its own where the width changes."""

    def __init__(self, width, out):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(width, out, 3, padding=1), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = nn.Conv2d(out, out, 3, padding=1), nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Conv2d(width, out, 1) if width != out else None

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += x if self.shortcut is None else self.shortcut(x)
        return self.relu(out)


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.blocks = nn.Conv2d(3, 8, 3), nn.Sequential(Residual(8, 8), Residual(8, 12), Residual(12, 12))
        self.fc = nn.Linear(12, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.stem(x)), 2)
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(self.blocks(x), 1), 1))


class Attention(nn.Module):
    """Written out, with a layer for its probabilities."""

    def __init__(self):
        super().__init__()
        self.qkv, self.proj, self.drop = nn.Linear(8, 24), nn.Linear(8, 8), nn.Dropout(0.0)

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        return self.proj(self.drop((q @ k.mT).softmax(-1)) @ v)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.attn, self.norm2 = nn.LayerNorm(8), Attention(), nn.LayerNorm(8)
        self.mlp = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Language(nn.Module):
    """A small GPT: sums that are no branches, a head whose weight is the embedding's."""

    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(10, 8), nn.Embedding(5, 8)
        self.blocks, self.norm = nn.ModuleList([Block(), Block()]), nn.LayerNorm(8)
        self.head = nn.Linear(8, 10, bias=False)
        self.head.weight = self.words.weight

    def forward(self, x):
        y = self.words(x) + self.places(torch.arange(x.shape[1]))
        for block in self.blocks:
            y = block(y)
        return self.head(self.norm(y))


class Vision(nn.Module):
    """Has parameters of its own beside modules, and turned weights of another's for a head."""

    def __init__(self, tied):
        super().__init__()
        self.patch, self.norm, self.head = nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 8)
        self.token, self.scale, self.tied = nn.Parameter(torch.zeros(1, 1, 8)), nn.Parameter(torch.ones(8)), tied

    def forward(self, x):
        y = self.norm(torch.cat([self.token.expand(len(x), -1, -1), self.patch(x)], 1))
        return (y[:, 0] @ self.patch.weight.T + self.token[0] if self.tied else self.head(y[:, 0])) * self.scale


class Adapted(nn.Module):
    """As PEFT wraps a layer."""

    def __init__(self, dropout):
        super().__init__()
        self.base_layer = nn.Linear(8, 8)
        self.lora_dropout = nn.ModuleDict({"default": dropout})
        self.lora_A = nn.ModuleDict({"default": nn.Linear(8, 2, bias=False)})
        self.lora_B = nn.ModuleDict({"default": nn.Linear(2, 8, bias=False)})

    def forward(self, x):
        low = self.lora_A["default"](self.lora_dropout["default"](x))
        return self.base_layer(x) + self.lora_B["default"](low)


class Gated(nn.Module):
    """As in Llama: the product of an activation and something else; and a gate, which is none."""

    def __init__(self):
        super().__init__()
        self.gate, self.up, self.down, self.last = (nn.Linear(8, 8) for _ in range(4))

    def forward(self, x):
        y = self.down(F.silu(self.gate(x)) * self.up(x))
        return self.last(y * y.sigmoid())


def encoder():
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, 0.1, batch_first=True), 2)


def mlp():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(768, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh(), nn.Dropout(0.1), nn.Linear(8, 4)
    )


BRANCHES = ("blocks.0.attn:out", "blocks.0.mlp:out", "blocks.1.attn:out", "blocks.1.mlp:out")
FOUND = {
    "mlp": (mlp, IMAGES, {
        "@input": ("1:in",), "@after_activations": ("3:in", "6:in"), "@early(1)": ("3:in",), "@late(1)": ("6:in",),
        "@late(9)": ("3:in", "6:in"), "@before_head": ("6:in",), "@residual": (), "@embeddings": (), "@lora": (),
    }),
    "resnet": (ResNet, IMAGES, {
        "@input": ("stem:in",), "@before_head": ("fc:in",), "@residual": ("blocks.0.bn2:out", "blocks.2.bn2:out"),
        "*.2.*:branch": ("blocks.2.bn2:out",), "@early(2)": ("blocks.0.conv1:in", "blocks.0.conv2:in"),
    }),
    "language": (Language, WORDS, {
        "@input": ("words:out",), "@before_head": ("head:in",), "@residual": BRANCHES, "@embeddings":
        ("words:out", "places:out"), "@after_activations": ("blocks.0.mlp.2:in", "blocks.1.mlp.2:in"),
        "@attention": ("blocks.0.attn.drop", "blocks.1.attn.drop"), "blocks.1.*:branch": BRANCHES[2:],
    }),
    "encoder": (encoder, VECTORS, {
        "@residual": tuple(f"layers.{n}.dropout{m}:out" for n in (0, 1) for m in (1, 2)),
        "@attention": ("layers.0.self_attn.dropout", "layers.1.self_attn.dropout"),
        "@after_activations": ("layers.0.linear2:in", "layers.1.linear2:in"),
        "@before_head": ("layers.1.norm2:in",),
    }),
    "gpt": (lambda: GPT((5,), 10, width=8, depth=1, heads=2), WORDS, {
        "@input": ("embed:out",), "@before_head": ("norm:out",), "@attention": ("blocks.0.attend_drop",),
        "@residual": ("blocks.0.drop1:out", "blocks.0.drop2:out"),
    }),
    "vision": (lambda: Vision(tied=False), VECTORS, {"@input": ("patch:in",), "@before_head": ("head:in",)}),
    "vision, tied": (lambda: Vision(tied=True), VECTORS, {"@before_head": ("norm:out",)}),
    "gated": (Gated, VECTORS, {"@after_activations": ("down:in",)}),
    "lora": (lambda: nn.Sequential(Adapted(nn.Dropout(0.1))), VECTORS, {"@lora": ("0.lora_dropout.default",)}),
    "lora without": (lambda: nn.Sequential(Adapted(nn.Identity())), VECTORS, {"@lora": ("0.lora_A.default:in",)}),
}  # fmt: skip
CASES = [(model, pattern) for model, (_, _, patterns) in FOUND.items() for pattern in patterns]


@pytest.mark.parametrize(("model", "pattern"), CASES, ids=" ".join)
def test_a_place_is_found_in_any_architecture_and_named_if_it_is_not(model, pattern):
    make, x, wanted = FOUND[model]
    net = make()
    remember(net, (x,))
    if wanted[pattern]:
        assert match_sites(net, pattern) == wanted[pattern]
    else:
        with pytest.raises(SiteError, match=r"finds nothing in this Sequential: (no|it has)"):
            match_sites(net, pattern)


def everything(model):
    """What must come back to the bit."""
    state = {name: value.clone() for name, value in model.state_dict().items()}
    hooks = [
        (name, list(module._forward_hooks), list(module._forward_pre_hooks)) for name, module in model.named_modules()
    ]
    return state, hooks, repr(model), [module.training for module in model.modules()], torch.get_rng_state()


def same(one, other):
    state, wanted = one[0], other[0]
    assert state.keys() == wanted.keys()
    assert all(torch.equal(value, wanted[name]) for name, value in state.items())
    assert one[1:4] == other[1:4]
    assert torch.equal(one[4], other[4])


@pytest.mark.parametrize("name", [name for name, (_, _, wanted) in FOUND.items() if wanted.get("@residual")])
def test_what_is_inserted_drops_and_is_undone_to_the_bit(name):
    make, x, _ = FOUND[name]
    model = make().eval()
    if droplab.rates(model):
        droplab.set_p(model, 0.0)
    y, before = model(x), everything(model)
    change = droplab.insert(model, {"@residual": ("drop_path", 0.9), "@before_head": 0.5}, x)
    assert model.state_dict().keys() == before[0].keys()
    assert torch.equal(model(x), y)
    again = droplab.insert(model, {"@residual": ("drop_path", 0.9), "@before_head": 0.5})
    assert all(len(doorways(module)) <= 1 for module in model.modules())
    with droplab.keyed(model.train(), seed=1, samples=torch.arange(2)):
        dropped = model(x)
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    again.undo()
    for other in (model, *copies):
        with droplab.keyed(other, seed=1, samples=torch.arange(2)):
            assert torch.equal(other(x), dropped)
    change.undo()
    model.load_state_dict(before[0])
    same(everything(model.eval()), before)
    assert torch.equal(model(x), y)
    assert not torch.equal(dropped, model.train()(x))


def test_to_insert_twice_is_to_insert_once():
    model = mlp()
    once = droplab.insert(model, {"3:in": ("gaussian_dropout", 0.1), "5": 0.2})
    layer = doorways(model[3])["in"].layer
    twice = droplab.insert(model, {"3:in": ("gaussian_dropout", 0.1), "5": 0.2})
    assert doorways(model[3])["in"].layer is layer
    assert str(once) == "3:in: p 0.1, new\n5: p 0.1 → 0.2"
    assert str(twice) == "3:in: p 0.1\n5: p 0.2"
    droplab.insert(model, {"3:in": ("dropout", 0.1)})
    assert type(doorways(model[3])["in"].layer) is droplab.nn.Dropout
    once.undo()
    assert doorways(model[3]) == {}
    assert model[5].p == 0.1


def test_sums_that_are_no_branches_are_listed():
    model = Language()
    change = droplab.insert(model, {"blocks.*:branch": ("drop_path", 0.1)}, WORDS)
    assert change.rates == dict.fromkeys(BRANCHES, 0.1)
    assert len(change.missing) == 1
    assert "not found: a residual branch at " in str(change)
    assert "in Language.forward" in change.missing[0]
    with pytest.raises(SiteError, match=r"matches no residual branch.*blocks\.0\.attn, .*Language\.forward"):
        droplab.insert(model, {"head:branch": 0.1})


def test_predicates_see_sites():
    model = ResNet()
    change = droplab.insert(model, {lambda s: s.door == "out" and isinstance(s.module, nn.Conv2d): ("dropout2d", 0.2)})
    assert len(change.rates) == 8
    with pytest.raises(SiteError, match="holds for none of the sites"):
        droplab.insert(model, {lambda site: False: 0.1})


def test_a_pattern_that_needs_a_forward_pass_says_so():
    model = mlp()
    with pytest.raises(SiteError, match=r"'@before_head' is found by a forward pass.*droplab\.sites\(model, x\)"):
        droplab.apply_rates(model, {"@before_head": 0.5})
    with pytest.raises(ModelError, match=r"a forward pass of the Sequential in training mode raised"):
        droplab.sites(model, torch.ones(2, 3))
    droplab.sites(model, IMAGES)
    assert droplab.apply_rates(model, {"@before_head": 0.5}).rates == {"6:in": 0.5}
    for name, said in (
        ("@befor_head", "did you mean '@before_head'"),
        ("@early", r"@early\(k\)"),
        ("@input(2)", "@input"),
    ):
        with pytest.raises(SiteError, match=f"unknown preset.*{said}"):
            droplab.apply_rates(model, {name: 0.5})


@pytest.mark.parametrize("value", ["dropout", ("dropout",), ("dropout", 2.0), ("dropout", "0.1"), {"p": 0.1}, True])
def test_what_is_no_kind_and_rate_is_refused(value):
    model = mlp()
    with pytest.raises(UserError, match=r"is wanted|between 0 and 1"):
        droplab.insert(model, {"5": 0.3, "3:in": value})
    assert model[5].p == 0.1


def test_set_p_puts_nothing_in_and_remove_takes_everything_out():
    model = encoder()
    droplab.insert(model, {"layers.0.norm1:out": 0.3})
    with pytest.raises(SiteError, match=r"nothing drops at layers\.0\.linear1:in; droplab\.insert"):
        droplab.set_p(model, {"layers.0.linear1:in": 0.1})
    before = droplab.rates(model)
    state = everything(model)
    half = droplab.set_p(model, 0.5)
    assert set(droplab.rates(model).values()) == {0.5}
    half.undo()
    gone = droplab.remove(model)
    assert set(gone.removed) == set(before)
    assert set(droplab.rates(model).values()) == {0.0}  # attention's number
    torch.manual_seed(0)
    drawn = torch.get_rng_state()
    model(VECTORS)
    assert torch.equal(torch.get_rng_state(), drawn)
    gone.undo()
    assert droplab.rates(model) == before
    torch.set_rng_state(state[-1])
    same((*everything(model)[:1], state[1], *everything(model)[2:]), state)  # the hook has another number


@pytest.mark.parametrize("way", ["compile", "method"])
def test_a_model_that_was_compiled_before_is_traced_again(way):
    model = mlp()
    droplab.replace(model)
    compiled = torch.compile(model, backend="eager") if way == "compile" else model
    if way == "method":
        model.compile(backend="eager")
    torch._dynamo.reset()

    def masks():
        with droplab.keyed(model, seed=1), torch.no_grad():
            return compiled(IMAGES), copy.deepcopy(model)

    def equal():
        found, other = masks()
        with droplab.keyed(other, seed=1), torch.no_grad(), torch.compiler.set_stance("force_eager"):
            return torch.equal(found, other(IMAGES))

    assert equal()
    changes = [droplab.insert(compiled, {"*1:out": 0.5, "@late(1)": ("gaussian_dropout", 0.2)}, IMAGES)]
    assert equal()
    changes.append(droplab.remove(compiled, "*5"))
    assert equal()
    for change in reversed(changes):
        change.undo()
        assert equal()


def test_a_model_of_torch_jit_is_refused():
    model = nn.Sequential(torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2)))
    for act in (
        lambda: droplab.insert(model, {"0:out": 0.1}),
        lambda: droplab.remove(model),
        lambda: droplab.set_p(model, 0.1),
    ):
        with pytest.raises(SiteError, match=r"'0' of the model was made by torch\.jit"):
            act()


def test_computed_weights_and_modules_of_two_names_stay():
    shared = weight_norm(nn.Linear(8, 8))
    model = nn.ModuleDict({"a": shared, "b": nn.Sequential(shared, nn.ReLU())})
    keys = model.state_dict().keys()
    change = droplab.insert(model, {"a:out": 0.5})
    assert change.rates == {"a:out": 0.5}
    assert model["b"][0] is shared
    assert model.state_dict().keys() == keys
    assert (model["b"](torch.ones(4, 8)) == 0).any()
    change.undo()
    assert model.state_dict().keys() == keys


class Drawing(nn.Module):
    def forward(self, x):
        random.random()
        np.random.rand()  # noqa: NPY002
        return F.dropout(x, 0.3, self.training)


@pytest.mark.parametrize("look", [droplab.sites, droplab.replace, droplab.audit])
def test_the_generators_of_python_and_numpy_are_put_back_too(look):
    model = nn.Sequential(nn.Linear(8, 8), Drawing())
    python, numpy, torchs = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    look(model, torch.ones(2, 8))
    assert random.getstate() == python
    assert np.random.get_state()[2] == numpy[2]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torchs)


def test_many_sites_are_looked_up_once(monkeypatch):
    model, walks = nn.Sequential(*(nn.Linear(2, 2) for _ in range(40))), []
    walk = view._walk
    monkeypatch.setattr(view, "_walk", lambda model: walks.append(1) or walk(model))
    change = droplab.insert(model, {"*:out": ("alpha_dropout", 0.1)})
    assert len(change.rates) == 40
    assert len(walks) < 10

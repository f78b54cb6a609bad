"""Unit dropout against its naive version, a multiplied mask: outputs, all gradients, counts, adopting, compiling."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

import droplab
import droplab.models
from droplab import functional, nn
from droplab.errors import KeyingError, RankError, UserError
from droplab.functional import Key
from droplab.masks.kept import keep_count, kept_units, unit_mask

KEY = Key(seed=3, layer="units", step=2)
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")  # torch.func's own
both = pytest.mark.parametrize("exact_count", [False, True])


def draws(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def leaves(*tensors: torch.Tensor) -> list[torch.Tensor]:
    return [tensor.clone().requires_grad_() for tensor in tensors]


def mask(units: int, p: float, exact_count: bool, key: Key = KEY) -> torch.Tensor:
    """Written from the equations: 16 bits of Philox per unit, or the units with the smallest 32 bits."""
    seed, layer, step = key.seed, key.layer_id, key.step
    if exact_count:
        words = [droplab.rng.word(seed, layer, step, 0, unit) for unit in range(units)]
        kept = sorted(range(units), key=words.__getitem__)[: keep_count(p, units)]
        return torch.tensor([units / len(kept) if unit in kept else 0.0 for unit in range(units)], dtype=torch.float64)
    dropped = droplab.rng.threshold(p)
    values = [droplab.rng.value(seed, layer, step, 0, unit) for unit in range(units)]
    return torch.tensor([0.0 if v < dropped else 65536 / (65536 - dropped) for v in values], dtype=torch.float64)


def compare(found, wanted, inputs, wanted_inputs):
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)
    grads = torch.autograd.grad(found.square().sum(), inputs)
    others = torch.autograd.grad(wanted.square().sum(), wanted_inputs)
    for grad, other in zip(grads, others, strict=True):
        torch.testing.assert_close(grad, other, rtol=1e-11, atol=1e-11)
    return grads


@both
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("shape", [(37,), (5, 37), (2, 3, 37), (1, 37), (0, 37)])
def test_linear_is_the_mask_multiplied(shape, p, exact_count):
    tensors = draws(*shape), draws(11, 37), draws(11)
    ours, theirs = leaves(*tensors), leaves(*tensors)
    x, weight, bias = theirs
    m = mask(37, p, exact_count) if p < 1 else torch.zeros(37, dtype=torch.float64)
    found = functional.unit_dropout_linear(*ours, p, exact_count=exact_count, key=KEY)
    _, grad, _ = compare(found, F.linear(x * m, weight, bias), ours, theirs)
    assert not grad[:, m == 0].any()
    assert p == 1 or (m == 0).any()


@both
@pytest.mark.parametrize("p", [0.4, 1.0])
@pytest.mark.parametrize("shape", [(2, 9, 6, 5), (9, 6, 5)])
@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1, "dilation": (1, 2)}, {"padding": "same"}])
def test_conv2d_is_the_mask_multiplied(shape, options, p, exact_count):
    tensors = draws(*shape), draws(4, 9, 3, 3), draws(4)
    ours, theirs = leaves(*tensors), leaves(*tensors)
    x, weight, bias = theirs
    m = mask(9, p, exact_count) if p < 1 else torch.zeros(9, dtype=torch.float64)
    found = functional.unit_dropout_conv2d(*ours, p, exact_count=exact_count, key=KEY, **options)
    wanted = F.conv2d(x * m[:, None, None], weight, bias, **options)
    _, grad, _ = compare(found, wanted, ours, theirs)
    assert not grad[:, m == 0].any()


@both
@pytest.mark.parametrize("p", [0.3, 0.8, 1.0])
def test_mlp_is_the_masks_multiplied(p, exact_count):
    sizes = (7, 20, 33, 5)
    weights = [draws(b, a) for a, b in pairwise(sizes)]
    biases = [draws(20), None, draws(5)]
    tensors = draws(6, 7), *weights, biases[0], biases[2]
    ours, theirs = leaves(*tensors), leaves(*tensors)
    if exact_count:  # each layer keeps its own number, from one draw over both
        kept = [layer.units for layer in kept_units([20, 33], tensors[0], p, True, KEY)]
        whole = unit_mask(53, tensors[0], p, True, KEY, [20, 33])
        masks = list(whole.split([20, 33]))
        assert [len(index) for index in kept] == [keep_count(p, 20), keep_count(p, 33)]
        assert all(torch.equal(m.nonzero().squeeze(1), index) for m, index in zip(masks, kept, strict=True))
    else:
        masks = (mask(53, p, False) if p < 1 else torch.zeros(53, dtype=torch.float64)).split([20, 33])

    def net(x, v, w, u, b, c):
        h = torch.tanh(F.linear(x, v, b)) * masks[0]
        return F.linear(torch.sigmoid(F.linear(h, w)) * masks[1], u, c)

    def chain(x, v, w, u, b, c):
        acts = [torch.tanh, torch.sigmoid]
        return functional.unit_dropout_mlp(
            x, [v, w, u], [b, None, c], p, activation=acts, exact_count=exact_count, key=KEY
        )

    grads = compare(chain(*ours), net(*theirs), ours, theirs)
    assert not grads[1][masks[0] == 0].any()
    assert not grads[2][masks[1] == 0].any()
    assert not grads[2][:, masks[0] == 0].any()
    assert not grads[4][masks[0] == 0].any()


def test_dropped_weights_are_not_read():
    """Not only multiplied by zero: what is not a number stays out."""
    index, _ = kept_units([24], torch.ones(1), 0.5, False, KEY)[0]
    weight = torch.full((3, 24), float("nan"))
    weight[:, index] = 1.0
    assert functional.unit_dropout_linear(torch.ones(2, 24), weight, p=0.5, key=KEY).isfinite().all()


def test_exact_counts_are_exact_and_each_unit_keeps_its_mean():
    steps, units, p = 4000, 10, 0.68
    seen = torch.stack([unit_mask(units, torch.ones(1), p, True, KEY._replace(step=step)) for step in range(steps)])
    assert ((seen > 0).sum(1) == 3).all()
    share = 3 / units
    error = ((1 - share) / share / steps) ** 0.5
    assert ((seen.mean(0) - 1).abs() < 4.5 * error).all()
    together = ((seen[:, 0] > 0) & (seen[:, 1] > 0)).double().mean()  # without replacement: 3/10 · 2/9
    wanted = 3 / 10 * 2 / 9
    assert abs(together - wanted) < 4.5 * (wanted * (1 - wanted) / steps) ** 0.5


@both
def test_gradients_of_gradients(exact_count):
    sizes = (4, 6, 5, 3)
    weights = [draws(b, a).requires_grad_() for a, b in pairwise(sizes)]

    def chain(x, *weights):
        options = {"activation": torch.tanh, "exact_count": exact_count, "key": KEY}
        return functional.unit_dropout_mlp(x, weights, [None] * 3, 0.4, **options)

    inputs = draws(2, 4).requires_grad_(), *weights
    assert torch.autograd.gradcheck(chain, inputs, check_batched_grad=True)
    assert torch.autograd.gradgradcheck(chain, inputs)


@both
def test_transforms_and_forward_mode_agree(exact_count):
    x, weight = draws(3, 8), draws(2, 8)

    def net(weight):
        return functional.unit_dropout_linear(x, weight, p=0.5, exact_count=exact_count, key=KEY).square().sum()

    leaf = weight.clone().requires_grad_()
    (wanted,) = torch.autograd.grad(net(leaf), leaf)
    torch.testing.assert_close(torch.func.grad(net)(weight), wanted)
    tangent = draws(8, 2).t()
    _, found = torch.func.jvp(net, (weight,), (tangent,))
    torch.testing.assert_close(found, (wanted * tangent).sum())
    with torch.autograd.forward_ad.dual_level():
        dual = net(torch.autograd.forward_ad.make_dual(weight, tangent))
        torch.testing.assert_close(torch.autograd.forward_ad.unpack_dual(dual).tangent, found)


@both
def test_seeds_of_torch_name_masks_without_keys(exact_count):
    x, layer = torch.ones(3, 64), nn.UnitDropoutLinear(64, 8, exact_count=exact_count)
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(layer(x))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@both
def test_compiled_graphs_hold_for_all_rates_and_keys(exact_count):
    torch.compiler.reset()
    layer = nn.UnitDropoutMLP([6, 20, 20, 4], exact_count=exact_count).double()
    x = draws(5, 6)
    graphs = []

    def backend(graph, _):
        graphs.append(graph)
        return graph

    compiled = torch.compile(layer, fullgraph=True, backend=backend)
    for step in range(12):
        layer.p = 0.05 + 0.07 * step
        with droplab.keyed(torch.nn.ModuleList([layer]), seed=1, step=step):
            wanted = layer(x)
        with droplab.keyed(torch.nn.ModuleList([layer]), seed=1, step=step):
            torch.testing.assert_close(compiled(x), wanted, rtol=1e-12, atol=1e-12)
    assert len(graphs) == 1


def test_checkpointing_recomputes_the_same_units_or_says_that_it_cannot():
    layer = nn.UnitDropoutLinear(32, 4, exact_count=True)
    model, x = torch.nn.ModuleList([layer]), torch.ones(3, 32)
    with droplab.keyed(model, seed=1):
        checkpoint(layer, x, use_reentrant=False).sum().backward()
    found, layer.weight.grad = layer.weight.grad, None
    with droplab.keyed(model, seed=1):
        layer(x).sum().backward()
    assert torch.equal(found, layer.weight.grad)
    with droplab.keyed(model, seed=1):
        y = checkpoint(layer, x, use_reentrant=False).sum()
    with droplab.keyed(model, seed=1, step=1), pytest.raises(KeyingError, match="under another key"):
        y.backward()


def test_adopted_layers_keep_parameters_settings_and_hooks():
    linear = torch.nn.Linear(6, 3)
    conv = torch.nn.Conv2d(6, 3, 3, padding=1, padding_mode="reflect", bias=False)
    calls = []
    for old, cls, shape in ((linear, nn.UnitDropoutLinear, (2, 6)), (conv, nn.UnitDropoutConv2d, (2, 6, 4, 4))):
        old.register_forward_hook(lambda *_: calls.append(1))
        old.eval()
        new = cls.adopt(old, 0.3, exact_count=True)
        x = torch.ones(shape)
        assert dict(new.named_parameters()) == dict(old.named_parameters())
        assert new.state_dict().keys() == old.state_dict().keys()
        assert not new.training
        assert new.p == 0.3
        assert new.exact_count
        assert torch.equal(new(x), old(x))
        assert torch.equal(cls.adopt(old, 0.0).train()(x), old(x))
        assert new.train()(x).shape == old(x).shape
    assert len(calls) == 12


def test_padding_modes_in_training():
    layer = nn.UnitDropoutConv2d(6, 3, 3, padding=1, padding_mode="reflect")
    x = torch.rand(2, 6, 4, 4)
    with droplab.keyed(torch.nn.ModuleDict({"units": layer}), seed=3, step=2):
        found = layer(x)
    m = mask(6, 0.5, False).float()[:, None, None]
    torch.testing.assert_close(found, layer.eval()(x * m))


def test_an_adopted_sequential_drops_what_its_dropout_dropped():
    old = torch.nn.Sequential(
        torch.nn.Linear(5, 8), torch.nn.ReLU(), torch.nn.Dropout(0.5),
        torch.nn.Linear(8, 8), torch.nn.Tanh(), torch.nn.Dropout(0.5), torch.nn.Linear(8, 3),
    )  # fmt: skip
    new = nn.UnitDropoutMLP.adopt(old, 0.5)
    assert list(new.state_dict()) == list(old.state_dict())
    assert new[3].weight is old[3].weight
    assert isinstance(old[2], torch.nn.Dropout)
    x = torch.rand(4, 5)
    assert torch.equal(new.eval()(x), old.eval()(x))
    with droplab.keyed(torch.nn.ModuleDict({"units": new.train()}), seed=3, step=2):
        found = new(x)
    first, second = mask(16, 0.5, False).float().split(8)
    h = old[:2](x) * first
    torch.testing.assert_close(found, old[6](old[3:5](h) * second))


linear, relu = torch.nn.Linear, torch.nn.ReLU


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda: nn.UnitDropoutLinear.adopt(relu()), "got a ReLU; exactly a torch.nn.Linear"),
        (lambda: nn.UnitDropoutLinear.adopt(nn.UnitDropoutLinear(2, 2)), "got a UnitDropoutLinear"),
        (lambda: nn.UnitDropoutConv2d.adopt(torch.nn.Conv2d(4, 4, 1, groups=2)), "2 groups"),
        (lambda: nn.UnitDropoutMLP.adopt(torch.nn.Sequential()), "a Linear layer first, another last"),
        (
            lambda: nn.UnitDropoutMLP.adopt(torch.nn.Sequential(linear(2, 2), relu())),
            "got 2 modules; a Linear layer first",
        ),
        (
            lambda: nn.UnitDropoutMLP.adopt(
                torch.nn.Sequential(torch.nn.Dropout(), linear(2, 2), relu(), linear(2, 2))
            ),
            "got Dropout at '0'",
        ),
        (
            lambda: nn.UnitDropoutMLP.adopt(torch.nn.Sequential(linear(2, 2), torch.nn.Softmax(-1), linear(2, 2))),
            "got Softmax at '1'",
        ),
        (lambda: nn.UnitDropoutMLP([3, 2]), r"\[3, 2\]"),
        (
            lambda: functional.unit_dropout_mlp(torch.ones(2), [torch.ones(2, 2)] * 2, [None]),
            "2 weights, 1 biases and 1 activations",
        ),
    ],
)
def test_wrong_requests_say_what_is_wanted(act, said):
    with pytest.raises(UserError, match=said):
        act()


def test_wrong_ranks():
    with pytest.raises(RankError, match="2 dimensions"):
        functional.unit_dropout_conv2d(torch.ones(2, 2), torch.ones(1, 2, 1, 1))


@pytest.mark.parametrize(("name", "site"), [("unit_dropout_linear", "fc2"), ("unit_dropout_conv2d", "conv3")])
def test_arms_take_them_by_name(name, site):
    model = droplab.models.TutorialCNN((1, 28, 28), 10)
    keys = list(model.state_dict())
    change = droplab.apply_rates(model, {site: 0.5}, kind={"name": name, "exact_count": True})
    layer = model.get_submodule(site)
    assert type(layer).__name__.replace("_", "").lower() == name.replace("_", "")
    assert layer.exact_count
    assert list(model.state_dict()) == keys
    model(torch.rand(2, 1, 28, 28)).sum().backward()
    unit_sums = layer.weight.grad.abs().transpose(0, 1).flatten(1).sum(1)
    assert (unit_sums == 0).sum() >= len(unit_sums) // 2
    change.undo()
    assert not isinstance(model.get_submodule(site), nn.DropLayer)


def test_a_slice_is_a_plain_sequence():
    layer = nn.UnitDropoutMLP([4, 5, 6], p=0.3)
    part = layer[1:]
    assert type(part) is torch.nn.Sequential
    assert (list(part.state_dict()), part[1] is layer[2]) == (["2.weight", "2.bias"], True)

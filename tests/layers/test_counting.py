"""Each call of a layer in a step has masks of its own, in graphs, over breaks and when it is recomputed."""

from __future__ import annotations

import functools

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts

import droplab
from droplab.errors import KeyingError

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # torch's compiler uses what Python deprecates
    pytest.mark.filterwarnings("ignore::UserWarning:torch"),
    pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning"),
]
X = torch.ones(3, 40)


@pytest.fixture(autouse=True)
def _fresh():
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()


def graphs() -> int:
    return torch._dynamo.utils.counters["stats"]["unique_graphs"]


class Net(nn.Module):
    """One layer, called ``calls`` times, with what the test asks for around it."""

    def __init__(self, *, calls=1, between=False, recomputed=(), **options) -> None:
        super().__init__()
        self.drop, self.between, self.recomputed, self.calls = droplab.nn.Dropout(0.5), between, recomputed, calls
        self.options = {"use_reentrant": False, **options}

    def forward(self, x):
        total = x * 0
        for number in range(self.calls):
            if number and self.between:
                torch._dynamo.graph_break()
            y = x + number
            again = number in self.recomputed
            total = total + (checkpoint(self.drop, y, **self.options) if again else self.drop(y)) ** 2
        return total


class Named(nn.Module):
    """A layer for each call, with the names that the calls of one have."""

    def __init__(self, calls) -> None:
        super().__init__()
        self.layers = nn.ModuleList(droplab.nn.Dropout(0.5) for _ in range(calls))
        for number, layer in enumerate(self.layers, 1):
            layer.key_name = "drop" if number == 1 else f"drop#{number}"

    def forward(self, x):
        return sum((layer(x + number) ** 2 for number, layer in enumerate(self.layers)), x * 0)


def step(model, called, number, x=X):
    """Output and gradient."""
    x = x.clone().requires_grad_()
    with droplab.keyed(model, seed=1, step=number):
        y = called(x)
        y.sum().backward()
    return y.detach(), x.grad


def check(model, called, number):
    """What the calls of one layer give is what layers of those names give."""
    named = Named(model.calls)
    for found, wanted in zip(step(model, called, number), step(named, named, number), strict=True):
        torch.testing.assert_close(found, wanted)


RECOMPUTED = {"none": (), "all": (0, 1, 2), "the second": (1,), "the first and the last": (0, 2)}


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("recomputed", RECOMPUTED.values(), ids=RECOMPUTED)
def test_calls_are_recomputed_as_they_were(recomputed, reentrant):
    model = Net(calls=3, recomputed=recomputed, use_reentrant=reentrant)
    for number in range(2):
        check(model, model, number)


SAVING = functools.partial(create_selective_checkpoint_contexts, [torch.ops.aten.mul.Tensor])
SEGMENTS = {
    "within": ((1,), {}),
    "reentrant": ((1,), {"use_reentrant": True}),
    "to the end": ((1,), {"early_stop": False}),
    "by a policy": ((), {"context_fn": SAVING}),
}


@pytest.mark.parametrize(("recomputed", "options"), SEGMENTS.values(), ids=SEGMENTS)
def test_segments_within_segments_recompute_the_calls_that_they_were(recomputed, options):
    inner = Net(calls=3, recomputed=recomputed)
    segment = functools.partial(checkpoint, **{"use_reentrant": False, **options})
    check(inner, functools.partial(segment, inner), 0)
    check(inner, functools.partial(segment, functools.partial(segment, inner)), 1)


def test_a_recomputation_that_restores_no_generator_is_refused_where_a_layer_is_called_again():
    once, twice = (Net(calls=calls, recomputed=(0, 1), preserve_rng_state=False) for calls in (1, 2))
    check(once, once, 0)
    with pytest.raises(KeyingError, match=r"'drop'.*which of its 2 calls.*preserve_rng_state=True"):
        step(twice, twice, 0)


@pytest.mark.parametrize("reentrant", [False, True])
def test_calls_under_one_state_of_the_generator_are_not_taken_for_each_other(reentrant):
    model = Net(use_reentrant=reentrant)

    def twice(x):
        total = x
        for _ in range(2):
            with torch.random.fork_rng():
                total = checkpoint(lambda x: model(x).sin(), total, use_reentrant=reentrant)
        return total

    with pytest.raises(KeyingError, match=r"which of its 2 calls.*was the same for several.*fork_rng"):
        step(model, twice, 0)


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("number", [0, 1])
def test_a_recomputation_in_another_block_than_its_forward_pass_is_refused(number, again):
    model = Net(recomputed=(0,), use_reentrant=True)
    with droplab.keyed(model, seed=1):
        loss = model(X.clone().requires_grad_()).sum()
    with droplab.keyed(model, seed=1, step=number):
        if again:
            model(X.clone().requires_grad_())
        with pytest.raises(KeyingError, match=r"outside.*backward\(\) inside"):
            loss.backward()


@pytest.mark.parametrize("reentrant", [False, True])
def test_calls_under_transforms_are_recomputed_as_they_were(reentrant):
    model, named = Net(), Named(2)

    def called(first, second):
        def inner(x):
            return first(x) ** 2 + torch.func.vmap(second, randomness="error")(x.sin()) ** 2

        return lambda x: checkpoint(inner, x, use_reentrant=reentrant)

    found, wanted = (
        step(owner, called(*layers), 0) for owner, layers in ((model, [model.drop] * 2), (named, named.layers))
    )
    torch.testing.assert_close(found, wanted)


def test_marks_are_drawn_within_checkpointed_functions_only():
    model, state = Net(calls=2), torch.get_rng_state()
    step(model, model, 0)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("recomputed", RECOMPUTED.values(), ids=RECOMPUTED)
@pytest.mark.parametrize(("between", "whole"), [(False, True), (False, False), (True, False)])
def test_calls_in_graphs_are_those_of_eager_mode(between, whole, recomputed):
    model = Net(calls=3, between=between, recomputed=recomputed)
    compiled = torch.compile(model, fullgraph=whole, backend="aot_eager" if whole or recomputed else "eager")
    for number in range(3):
        check(model, compiled, number)
        if not number:
            compiled_once = graphs()
    assert graphs() == compiled_once <= (3 if between else 1)


def test_another_number_of_calls_is_seen():
    model = Net()
    compiled = torch.compile(model, backend="eager")
    for number, calls in enumerate((1, 2, 1, 3, 2)):
        model.calls = calls
        check(model, compiled, number)


@pytest.mark.parametrize("first", ["eager", "compiled"])
def test_eager_and_compiled_calls_are_counted_together(first):
    model, named = Net(), Named(2)
    compiled = torch.compile(model, backend="eager")
    step(model, compiled, 0)
    order = (model, compiled) if first == "eager" else (compiled, model)
    for number in range(2):
        with droplab.keyed(model, seed=1, step=number), droplab.keyed(named, seed=1, step=number):
            for called, layer in zip(order, named.layers, strict=True):
                assert torch.equal(called(X), layer(X) ** 2)


def test_a_compiled_block_that_is_called_often_compiles_no_more_with_the_steps():
    """A graph for itself, called from eager mode: one for each call of a step."""
    model, named = Net(), Named(3)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    for number in range(3):
        with droplab.keyed(model, seed=1, step=number), droplab.keyed(named, seed=1, step=number):
            for layer in named.layers:
                assert torch.equal(compiled(X), layer(X) ** 2)
        assert graphs() == 3


def test_a_compiled_block_that_is_called_more_often_than_torch_compiles_goes_on_in_eager_mode():
    model, named = Net(), Named(12)
    compiled = torch.compile(model, backend="eager")
    for number in range(2):
        with droplab.keyed(model, seed=1, step=number), droplab.keyed(named, seed=1, step=number):
            for layer in named.layers:
                assert torch.equal(compiled(X), layer(X) ** 2)
        assert graphs() == torch._dynamo.config.recompile_limit


@pytest.mark.parametrize("whole", [True, False])
def test_a_call_that_has_the_id_of_another_layer_is_refused_in_graphs_too(whole):
    model = Net(calls=2)
    model.other = droplab.nn.Dropout(0.5)
    model.other.key_name = "drop#2"
    compiled = torch.compile(model, fullgraph=whole, backend="aot_eager")
    for called in (model, compiled, compiled):
        with pytest.raises(KeyingError, match=r"call 2 of layer 'drop'.*call 1 of layer 'drop#2'.*key_name"):
            step(model, called, 0)
    model.other.key_name = None
    check(model, compiled, 0)


@pytest.mark.parametrize("reentrant", [False, True])
def test_graphs_of_other_calls_are_not_run_in_a_checkpointed_function_nor_its_in_others(reentrant):
    """No matter which were compiled first: a recomputation has the number of its call, or says that it has none."""
    model, named = Net(), Named(3)
    compiled = torch.compile(model, backend="aot_eager")
    segment = functools.partial(checkpoint, use_reentrant=reentrant)

    def wavy(call):
        return lambda x: call(x).sin() + 1

    def one_of_two(first, second):
        return lambda x: wavy(second)(segment(wavy(first), x))

    def both(first, second):
        return lambda x: segment(wavy(second), segment(wavy(first), x))

    def plain(*calls):
        return lambda x: functools.reduce(lambda y, call: wavy(call)(y), calls, x)

    squares = [lambda x, layer=layer: layer(x) ** 2 for layer in named.layers]
    for number, way in enumerate((plain, one_of_two, plain, one_of_two)):
        calls = 3 if way is plain else 2
        found = step(model, way(*[compiled] * calls), number)
        torch.testing.assert_close(found, step(named, way(*squares[:calls]), number))
    with pytest.raises(KeyingError, match="holds for one call"):
        step(model, both(compiled, compiled), 0)


@pytest.mark.parametrize("whole", [True, False])
def test_a_compiled_block_is_recomputed_with_its_masks(whole):
    model = Net()
    compiled = torch.compile(model, fullgraph=whole, backend="aot_eager")
    for number in range(3):
        found = step(model, lambda x: checkpoint(lambda x: compiled(x).square(), x, use_reentrant=False), number)
        wanted = step(model, lambda x: model(x).square(), number)
        torch.testing.assert_close(found, wanted)


def test_a_compiled_block_that_is_recomputed_holds_for_one_call():
    """Two segments of one graph: which call the graph stands for cannot be told when it is recomputed."""
    model = Net()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    with droplab.keyed(model, seed=1):
        y = checkpoint(lambda x: compiled(x).square(), X.clone().requires_grad_(), use_reentrant=False)
        with pytest.raises(KeyingError, match=r"'drop'.*holds for one call; this is call 2\. Compile the whole model"):
            checkpoint(lambda x: compiled(x).square(), y, use_reentrant=False)


def test_a_compiled_block_that_is_recomputed_outside_raises():
    model = Net()
    compiled = torch.compile(model, backend="aot_eager")
    x = X.clone().requires_grad_()
    with droplab.keyed(model, seed=1):
        loss = checkpoint(lambda x: compiled(x).square(), x, use_reentrant=False).sum()
    with pytest.raises(KeyingError, match=r"outside.*backward\(\) inside"):
        loss.backward()
    compiled(x)  # a next forward pass is none


def test_replicas_of_data_parallel_are_refused():
    layer = droplab.nn.Dropout(0.5)
    with droplab.keyed(layer, seed=1):
        replica = layer._replicate_for_data_parallel()
        with pytest.raises(KeyingError, match=r"replica of torch\.nn\.DataParallel"):
            replica(X)

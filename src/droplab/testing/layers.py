"""What every layer that drops must do, as pytest tests. Inherit ``LayerContract`` and hand it your kind's oracle.

::

    from droplab.testing import Kind, LayerContract, Oracle, scaled

    MINE = Kind("my_pkg.drops:MyDropout", MyDropout, paper="...", equation="...", shares="nothing")


    class TestMyDropout(LayerContract):
        oracle = Oracle(MINE, moments=scaled, shape=(16, 24))
"""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._dynamo import graph_break

from droplab.errors import RankError, UserError
from droplab.layers.keyed import keyed
from droplab.testing.kinds import RATE, named, output, raises, saved
from droplab.testing.laws.oracle import ordinary, same
from droplab.testing.living import LivingContract
from droplab.testing.transforms import TransformContract

DRAWS = 1000
"""Masks that moments are taken over."""
ERRORS = 5.0
"""Standard errors that an element's mean or variance may be off."""
ROUNDING = 1e-12
"""What float64 may add to that, where an element has no variance."""


class LayerContract(TransformContract, LivingContract):
    """Moments, eval, edges, gradients, keys, shards, compilation, dtypes, copies, export and errors of one kind."""

    def test_moments(self) -> None:
        """Mean and variance of every element are the oracle's, within standard errors."""
        layer, x = self.make(), self.input()
        model = named(layer)
        draws = torch.stack([self.draw(layer, x, step=step, model=model) for step in range(DRAWS)])
        mean, variance = self.oracle.moments(layer, x)
        off = draws - mean
        assert ((off.mean(0)).abs() <= ERRORS * (variance / DRAWS).sqrt() + ROUNDING).all()
        spread = off.square()
        assert ((spread.mean(0) - variance).abs() <= ERRORS * (spread.var(0) / DRAWS).sqrt() + ROUNDING).all()

    def test_drop_in_moments(self) -> None:
        """The same without a key, from torch's generator, which ``torch.manual_seed`` sets."""
        layer, x = self.make(), self.input()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            first = output(layer, x)
            draws = torch.stack([output(layer, x) for _ in range(DRAWS)])
            torch.manual_seed(5)
            assert torch.equal(output(layer, x), first)
        mean, variance = self.oracle.moments(layer, x)
        assert ((draws.mean(0) - mean).abs() <= ERRORS * (variance / DRAWS).sqrt() + ROUNDING).all()

    def test_eval(self) -> None:
        """What the oracle says; where that is the input, no new tensor."""
        layer, x = self.make().eval(), self.input()
        if self.oracle.at_eval is same:
            assert layer(x) is x
        else:
            torch.testing.assert_close(output(layer, x), self.oracle.at_eval(layer, x), rtol=1e-12, atol=1e-12)

    def test_rate_zero(self) -> None:
        """Nothing is dropped, and gradients know it."""
        layer, x = self.make(0.0), self.input()
        leaf = self.leaf(layer, x)
        y, wanted = output(layer, x), self.oracle.at_zero(layer, x)
        torch.testing.assert_close(y, wanted, rtol=1e-12, atol=1e-12)
        grads = [torch.autograd.grad(out.sum() + 0 * leaf.sum(), leaf)[0] for out in (y, wanted)]
        torch.testing.assert_close(grads[0], grads[1], rtol=1e-12, atol=1e-12)

    def test_rate_one(self) -> None:
        """What the oracle says, gradients too, and nothing is NaN; or an error, where it says so."""
        x = self.input()
        if self.oracle.at_one is None:
            raises(UserError, lambda: self.make(1.0)(x), "1")
            return
        layer = self.make(1.0)
        leaf = self.leaf(layer, x)
        y = output(layer, x)
        if self.oracle.at_one is ordinary:
            assert y.isfinite().all()
            assert not torch.equal(output(layer, x), y)
            return
        wanted = self.oracle.at_one(layer, x)
        assert torch.equal(y, wanted)
        grads = [torch.autograd.grad(out.sum() + 0 * leaf.sum(), leaf)[0] for out in (y, wanted)]
        assert torch.equal(*grads)

    def test_gradient(self) -> None:
        """Numerical and analytic gradients agree under one key."""
        layer, x = self.make(), self.input()[:3].clone()
        if self.oracle.vocabulary is None:
            assert torch.autograd.gradcheck(lambda value: self.draw(layer, value), (x.requires_grad_(),))
            return
        name, leaf = next(iter(layer.named_parameters()))
        model = named(layer)

        def called(value: Tensor) -> Tensor:
            with keyed(model, seed=1):
                result: Tensor = torch.func.functional_call(layer, {name: value}, (x,))
            return result

        assert torch.autograd.gradcheck(called, (leaf,))

    def test_keys(self) -> None:
        """The same key gives the same output; another step, seed, layer or sample another."""
        layer, x = self.make(), self.input()
        first = self.draw(layer, x)
        assert torch.equal(first, self.draw(layer, x))
        ids = torch.arange(len(x))
        assert torch.equal(first, self.draw(layer, x, samples=ids))
        assert not torch.equal(first, self.draw(layer, x, step=1))
        assert not torch.equal(first, self.draw(layer, x, seed=2))
        assert torch.equal(first, self.draw(layer, x, samples=ids + 1000)) != self.oracle.per_sample
        layer.key_name = "another"
        assert not torch.equal(first, self.draw(layer, x))

    def test_shards(self) -> None:
        """A batch in pieces, in any order, is the whole batch."""
        layer, x = self.make(), self.input()
        whole = self.draw(layer, x)
        for ids in (torch.arange(5), torch.arange(5, len(x)), torch.tensor([7, 2, 11])):
            self.check_equal(self.draw(layer, x[ids], samples=ids), whole[ids])

    def test_strides(self) -> None:
        """The mask follows the dimensions, not the memory."""
        layer, x = self.make(), self.input()
        turned = x.transpose(0, -1).contiguous().transpose(0, -1)
        assert not turned.is_contiguous()
        self.check_equal(self.draw(layer, turned), self.draw(layer, x))

    def test_compiled(self) -> None:
        """With a break of the graph after it; outputs and gradients are those of eager mode.

        One whole graph is what the next test wants.
        """
        layer, x = self.make(), self.input()
        leaf = self.leaf(layer, x)
        torch.compiler.reset()

        def broken(x: Tensor) -> Tensor:
            y = output(layer, x)
            graph_break()
            return y * 2

        compiled: Any = torch.compile(broken, backend="aot_eager")
        for step in (0, 1):
            with keyed(named(layer), seed=1, step=step):
                y = broken(x)
            with keyed(named(layer), seed=1, step=step), warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="The .grad attribute", category=UserWarning)  # Dynamo's own
                z = compiled(x)
            torch.testing.assert_close(z, y, rtol=1e-12, atol=1e-12)
            grads = [torch.autograd.grad(out.square().sum(), leaf)[0] for out in (y, z)]
            torch.testing.assert_close(grads[1], grads[0], rtol=1e-12, atol=1e-12)

    def test_a_schedule_compiles_once(self) -> None:
        """Twelve rates, one graph; not asked where the rate decides about a shape."""
        graphs = []

        def counted(graph: torch.fx.GraphModule, _inputs: list[Tensor]) -> Callable[..., Any]:
            graphs.append(graph)
            return graph.forward

        layer, x = self.make(), self.input()
        torch.compiler.reset()
        compiled: Any = torch.compile(layer, fullgraph=True, backend=counted)
        for step in range(12):
            layer.p = min(0.05 * step, self.oracle.highest)
            with keyed(named(layer), seed=1, step=step):
                y = output(compiled, x)
            with keyed(named(layer), seed=1, step=step):
                torch.testing.assert_close(y, output(layer, x), rtol=1e-12, atol=1e-12)
            if self.oracle.shaped_by_rate:
                torch.compiler.reset()  # torch gives up after eight
        assert len(graphs) == 1 or self.oracle.shaped_by_rate

    def test_dtypes(self) -> None:
        """The dtype stays; halves are the float32 result rounded once where there is no parameter."""
        for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
            x = self.input(dtype)
            y = self.draw(self.make().to(dtype), x)
            assert y.dtype == dtype
            assert y.shape == self.oracle.moments(self.make(), self.input())[0].shape
            if dtype in {torch.bfloat16, torch.float16} and not self.oracle.kind.has_parameters:
                assert torch.equal(y, self.draw(self.make(), x.float()).to(dtype))

    def test_no_samples(self) -> None:
        """An empty batch stays one."""
        layer, x = self.make(), self.input()
        assert self.draw(layer, x[:0]).shape == (0, *self.oracle.moments(layer, x)[0].shape[1:])

    def test_rate_moves(self) -> None:
        """A new ``p``, a number or a tensor, is the rate from then on."""
        layer, x, p = self.make(), self.input(), min(0.6, self.oracle.highest)
        wanted = self.draw(self.make(p), x)
        layer.p = p
        assert torch.equal(self.draw(layer, x), wanted)
        layer.p = torch.tensor(p, dtype=torch.float64)
        torch.testing.assert_close(self.draw(layer, x), wanted, rtol=1e-12, atol=1e-12)

    def test_repr(self) -> None:
        """The class and ``p`` first."""
        layer = self.make()
        assert "".join(repr(layer).split()).startswith(f"{type(layer).__name__}(p={RATE}")

    def test_copies(self) -> None:
        """Deep copies, pickles and loaded states draw what the original draws."""
        layer, x = self.make(), self.input()
        wanted = self.draw(layer, x)
        loaded = self.make()
        loaded.load_state_dict(layer.state_dict())
        assert bool(layer.state_dict()) == self.oracle.kind.has_parameters
        for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), saved(layer), loaded):  # noqa: S301
            assert torch.equal(self.draw(other, x), wanted)
            assert repr(other) == repr(layer)

    def test_export(self) -> None:
        """``torch.export`` takes it in eval mode."""
        layer, x = self.make().eval(), self.input()
        self.check_equal(output(torch.export.export(layer, (x,)).module(), x), output(layer, x))

    def test_wrong_rates(self) -> None:
        """Rates outside [0, 1] raise, when the layer is made and when it is changed."""
        layer = self.make()
        for p in (-0.1, 1.1, math.nan):
            raises(ValueError, lambda p=p: self.make(p), repr(p))  # type: ignore[misc]  # a default binds it
            raises(UserError, lambda p=p: setattr(layer, "p", p), repr(p))  # type: ignore[misc]
        assert math.isclose(layer.p, RATE, rel_tol=1e-15 if self.oracle.kind.has_parameters else 0.0)

    def test_wrong_inputs(self) -> None:
        """Integers (or numbers, where words are wanted) and ranks that the oracle refuses raise, with what arrived."""
        layer, x = self.make(), self.input()
        wrong = x.double() if self.oracle.vocabulary is not None else x.long()
        raises(UserError, lambda: layer(wrong), str(wrong.dtype))
        for rank in self.oracle.refuses:
            raises(RankError, lambda rank=rank: layer(torch.ones((2,) * rank)), str(rank))  # type: ignore[misc]

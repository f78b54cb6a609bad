"""What every layer must do under torch's transforms, in strange memory and in graphs, or refuse by name.

An oracle refuses a transform in ``Oracle.refusals``: the transform's name here, and words of the error. The test then
holds it to the error, so that a table made from the rows is never out of date.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable

import torch
from torch import Tensor
from torch._subclasses import FakeTensorMode
from torch.func import functionalize, jacrev, jvp, vmap
from torch.fx.experimental.proxy_tensor import make_fx

from droplab.testing.kinds import KindUnderTest, output, raises
from droplab.testing.laws.oracle import Oracle

TRANSFORMS = (
    "gradgradcheck", "jvp", "jacrev", "vmap", "vmap randomness", "negative bit", "channels last", "make_fx",
    "functionalize", "meta", "fake",
)  # fmt: skip
"""In the order of the documents' table."""
MEMBERS = 3
"""Of a ``vmap``; few, so that it is cheap."""


def asked(oracle: Oracle, transform: str) -> bool:
    """Whether a check has something to look at in a kind: channels come last in four dimensions only.

    >>> from droplab.testing.laws import ORACLES
    >>> asked(ORACLES["dropout"], "channels last"), asked(ORACLES["dropout2d"], "channels last")
    (False, True)
    """
    return transform != "channels last" or (len(oracle.shape) == 4 and oracle.vocabulary is None)


class TransformContract(KindUnderTest):
    """Derivatives of second order and forward, ``vmap``, Jacobians, memory, tracers, graphs with breaks."""

    def held(self, transform: str, act: Callable[[], None]) -> None:
        """Carry a check out, or hold the kind to its refusal."""
        assert transform in TRANSFORMS
        said = self.oracle.refusals.get(transform)
        if said is None:
            act()
        else:
            raises(Exception, act, said)

    def test_second_derivatives(self) -> None:
        """Numerical and analytic ones agree under one key."""

        def act() -> None:
            f, value = self.function(samples=2)
            assert torch.autograd.gradgradcheck(
                lambda value: f(value).pow(3).mean((-1,)), (value.clone().requires_grad_(),)
            )

        self.held("gradgradcheck", act)

    def test_forward_mode(self) -> None:
        """A tangent is what the gradient says of its direction; a mask has no say in which way is taken."""

        def act() -> None:
            f, value = self.function()
            direction = value.cos()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # torch.func's own, when it is first used
                y, tangent = jvp(f, (value,), (direction,))[:2]
            self.close(y, f(value))
            leaf = value.clone().requires_grad_()
            weight = y.detach().sin()
            (gradient,) = torch.autograd.grad((f(leaf) * weight).sum(), leaf)
            self.close((tangent * weight).sum(), (gradient * direction).sum())

        self.held("jvp", act)

    def test_jacobians_have_one_mask(self) -> None:
        """Each row is the gradient of one output of one call, drop-in masks included."""

        def act() -> None:
            f, value = self.function(samples=2)
            with torch.random.fork_rng(devices=[]):
                for key in (True, False):
                    torch.manual_seed(3)
                    found = jacrev(lambda value, key=key: f(value, key).flatten()[-4:])(value)
                    torch.manual_seed(3)
                    leaf = value.clone().requires_grad_()
                    y = torch.func.vjp(lambda value, key=key: f(value, key).flatten()[-4:], leaf)[0]
                    rows = [torch.autograd.grad(one, leaf, retain_graph=True)[0] for one in y]
                    self.close(found, torch.stack(rows))

        self.held("jacrev", act)

    def test_vmap(self) -> None:
        """Members with one key have its mask."""

        def act() -> None:
            f, value = self.function()
            many = torch.stack([value * (1 + member) for member in range(MEMBERS)])
            found = vmap(f)(many)
            for member, one in enumerate(many):
                self.close(found[member], f(one))

        self.held("vmap", act)

    def test_vmap_randomness(self) -> None:
        """Without a key: one mask, one for each member, or an error; batched input or not."""

        def act() -> None:
            f, value = self.function()
            many = torch.stack([value] * 8)

            def drawn(batched: bool, randomness: str) -> Tensor:
                if batched:
                    return vmap(lambda value: f(value, False), randomness=randomness)(many)
                return vmap(lambda _: f(value, False), randomness=randomness)(torch.arange(len(many)))

            for batched in (True, False):
                alike = drawn(batched, "same")
                assert all(torch.equal(member, alike[0]) for member in alike)
                apart = drawn(batched, "different")
                assert any(not torch.equal(member, apart[0]) for member in apart)
                raises(RuntimeError, lambda batched=batched: drawn(batched, "error"), "randomness")  # type: ignore[misc]

        self.held("vmap randomness", act)

    def test_the_negative_bit(self) -> None:
        """Views whose memory has the other sign, as input and as gradient."""

        def act() -> None:
            f, value = self.function()
            self.close(f(negative(value)), f(value))
            leaf = value.clone().requires_grad_()
            y = f(leaf)
            grad = y.detach().cos()
            wanted = torch.autograd.grad(y, leaf, grad, retain_graph=True)
            self.close(torch.autograd.grad(y, leaf, negative(grad))[0], wanted[0])

        self.held("negative bit", act)

    def test_channels_last(self) -> None:
        """The mask is that of the dimensions; output and gradient lie in memory as they do in eval mode."""
        if not asked(self.oracle, "channels last"):
            return

        def act() -> None:
            layer, x = self.make(), self.input()
            last = x.to(memory_format=torch.channels_last).requires_grad_()
            y = self.draw(layer, last)
            self.check_equal(y.detach(), self.draw(layer, x).detach())
            plain = output(layer.eval(), last)
            assert y.stride() == plain.stride(), f"strides are {y.stride()}, in eval mode {plain.stride()}"
            grads = [torch.autograd.grad(one.square().sum(), last)[0] for one in (y, plain)]
            assert grads[0].stride() == grads[1].stride()

        self.held("channels last", act)

    def test_make_fx(self) -> None:
        """A recorded call gives what the call gives, for other numbers too."""

        def act() -> None:
            f, value = self.function()
            traced = make_fx(lambda value: f(value))(value)  # noqa: PLW0108  # the tracer looks at its arguments
            self.close(traced(value * 2), f(value * 2))

        self.held("make_fx", act)

    def test_functionalize(self) -> None:
        """Without mutation, the same numbers."""

        def act() -> None:
            f, value = self.function()
            self.close(functionalize(f)(value), f(value))

        self.held("functionalize", act)

    def test_tensors_without_memory(self) -> None:
        """Meta and fake tensors have the shape of the result, keyed or not."""
        shape = self.draw(self.make(), self.input()).shape

        def on_meta() -> None:
            layer = self.make().to("meta")
            for found in (self.draw(layer, self.input().to("meta")), output(layer, self.input().to("meta"))):
                assert found.is_meta
                assert found.shape == shape

        def fake() -> None:
            layer, x = self.make(), self.input()
            with FakeTensorMode(allow_non_fake_inputs=True) as mode:
                x = mode.from_tensor(x)
                assert self.draw(layer, x).shape == output(layer, x).shape == shape

        self.held("meta", on_meta)
        self.held("fake", fake)

    def test_pickles_of_keyed_results(self) -> None:
        """What a layer gives can be pickled, and is the same afterwards."""
        y = self.draw(self.make(), self.input()).detach()
        assert torch.equal(pickle.loads(pickle.dumps(y)), y)  # noqa: S301  # our own bytes

    def close(self, found: Tensor, wanted: Tensor) -> None:
        """To float64's rounding."""
        torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-10)


def negative(x: Tensor) -> Tensor:
    """The same numbers as a view with the negative bit: what lies in memory has the other sign.

    >>> negative(torch.ones(2)).is_neg(), negative(torch.ones(2)).tolist()
    (True, [1.0, 1.0])
    """
    return torch.complex(torch.zeros_like(x), -x).conj().imag

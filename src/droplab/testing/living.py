"""What a layer must do in the hands of others: copied, hooked, traced, called twice. Part of ``LayerContract``."""

from __future__ import annotations

import copy
import inspect
import math
import pickle
import warnings
from typing import Any

import torch
from torch import Tensor, nn

from droplab.errors import UserError
from droplab.layers.doorway import close_doorway, doorways, open_doorway
from droplab.layers.keyed import keyed
from droplab.layers.layer import DropLayer
from droplab.layers.learned import LearnedRate
from droplab.surgery import apply_rates
from droplab.testing.kinds import KindUnderTest, raises, saved
from droplab.testing.laws.oracle import Oracle
from droplab.variants.catalog import CATALOG

HOOKS = (
    "register_forward_pre_hook",
    "register_forward_hook",
    "register_full_backward_pre_hook",
    "register_full_backward_hook",
)


class LivingContract(KindUnderTest):
    """Copies, hooks, replacing, traces and calls of one kind."""

    def test_copies_within_keyed_are_not_keyed(self) -> None:
        """Whoever copies, and however: the copy draws from torch's generator, and can be keyed on its own."""
        layer, x = self.make(), self.input()
        model = nn.ModuleDict({"drop": layer})
        with keyed(model, seed=1, step=3):
            wanted = _first(layer(x))
            shallow = nn.ModuleDict({"drop": copy.copy(layer)})
            others = [copy.deepcopy(model), shallow, pickle.loads(pickle.dumps(model)), saved(model)]  # noqa: S301
        for other in others:
            assert other["drop"] is not layer
            assert other["drop"]._keying is None
            with keyed(other, seed=1, step=3):
                assert torch.equal(_first(other["drop"](x)), wanted)

    def test_a_state_dict_is_all_there_is(self) -> None:
        """A new layer that loads the state draws what the trained one draws; nothing else changes in training."""
        layer, x = self.make(), self.input()
        model = nn.ModuleDict({"drop": layer})
        with keyed(model, seed=1):
            layer(x)
        for parameter in layer.parameters():
            with torch.no_grad():
                parameter.add_(0.01)
        fresh = nn.ModuleDict({"drop": self.make()})
        fresh.load_state_dict(model.state_dict())
        for step in (1, 2):
            with keyed(model, seed=1, step=step):
                wanted = _first(layer(x))
            with keyed(fresh, seed=1, step=step):
                assert torch.equal(_first(fresh["drop"](x)), wanted)

    def test_called_twice(self) -> None:
        """A second call in a block has the masks of a layer of its own, called after its place."""
        model, x = _Twice(self.make()), self.input()
        for step in (0, 1):
            _check_calls(model, model, x, step)

    def test_called_twice_in_graphs(self) -> None:
        """So it has in one graph and after a break; what was compiled for the first step serves the next."""
        x = self.input()
        model = _Twice(self.make())
        for between, whole in ((False, True), (True, False)):
            torch.compiler.reset()
            model.breaks = between
            compiled: Any = torch.compile(model, fullgraph=whole, backend="eager")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch's own, where it looks at what goes over a break
                for step in (0, 1):
                    _check_calls(model, compiled, x, step)
        torch.compiler.reset()

    def test_fx(self) -> None:
        """``torch.fx`` takes it for a leaf, in both modes: a graph drops when its module trains."""
        x = self.input()
        for training in (True, False):
            model = nn.Sequential(nn.Identity(), self.make()).train(training)
            traced = torch.fx.symbolic_trace(model)
            assert [node.op for node in traced.graph.nodes].count("call_module") == 2
            traced.train()
            with keyed(model, seed=1):
                wanted = _first(model(x))
            with keyed(traced, seed=1):
                assert torch.equal(_first(traced(x)), wanted)

    def test_script(self) -> None:
        """``torch.jit.script`` is refused by name, and leaves the model as it was."""
        layer = self.make()
        model = nn.Sequential(layer)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of torch.jit itself
            raises(UserError, lambda: torch.jit.script(model), type(layer).__name__)
        assert model[0] is layer

    def test_what_is_attached_stays(self) -> None:
        """Hooks, attributes and mode survive that one takes another layer's place, and that this comes back."""
        old, x = self._taken(), self.input()
        if old is None:
            return
        model = nn.ModuleDict({"site": old})
        seen: list[str] = []
        hooks = _hooks(self.oracle)
        _attach(old, hooks, seen, "before")
        change = apply_rates(model, {"site": 0.3}, self.oracle.kind.name)
        new: Any = model["site"]
        assert new is not old
        assert new.note == "before"
        _attach(new, hooks, seen, "after", buffer="late")
        new.eval()
        new.train()
        total: Any = _first(new(x if self.oracle.vocabulary is not None else x.clone().requires_grad_() * 1)).sum()
        total.backward()
        for when in ("before", "after"):
            assert {name for name in seen if name.startswith(when)} == {f"{when} {hook}" for hook in hooks}
        change.undo()
        found: Any = model["site"]
        assert found is old
        assert found.note == "after"
        assert found.training
        assert "late" in found.state_dict()
        assert bool(vars(found)["_is_full_backward_hook"]) == (hooks == HOOKS)

    def test_doorways_are_copied(self) -> None:
        """A copy of a model with such a layer at a doorway calls a layer of its own."""
        if self.oracle.kind.adopts or self.oracle.kind.has_parameters or not self.oracle.kind.in_arms:
            return
        x = self.input()
        model = nn.ModuleDict({"site": nn.Identity()})
        doorway = open_doorway(model["site"], "out", self.make())
        with keyed(model, seed=1):
            wanted = model["site"](x)
        copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model)), saved(model)]  # noqa: S301
        close_doorway(model["site"], doorway)
        assert model["site"](x) is x
        for other in copies:
            assert doorways(other["site"])["out"].layer is not doorway.layer
            with keyed(other, seed=1):
                assert torch.equal(other["site"](x), wanted)

    def test_made_without_memory(self) -> None:
        """A layer whose rate is learned knows it on ``meta``, and has it again once it has memory and is reset."""
        layer: Any = self.make()
        if not isinstance(layer, LearnedRate):
            return
        wanted = repr(layer)
        layer = layer.to("meta")
        assert math.isclose(layer.p, 0.3, rel_tol=1e-5)
        assert repr(layer).split(",")[0] == wanted.split(",")[0]
        layer = layer.to_empty(device="cpu")
        layer.reset_parameters()
        assert math.isclose(layer.p, 0.3, rel_tol=1e-5)
        assert _first(layer(self.input())).isfinite().all()

    def test_what_is_no_rate(self) -> None:
        """Texts, truth values, nothing, and what wants a gradient are refused by name."""
        layer = self.make()
        before = float(layer.p)
        wrong: tuple[Any, ...] = (True, "0.2", None, [0.2], torch.tensor(0.2, requires_grad=True))
        for value in (*wrong, nn.Parameter(torch.tensor(0.2))):
            raises(UserError, lambda value=value: setattr(layer, "p", value), type(layer).__name__)  # type: ignore[misc]
        assert float(layer.p) == before

    def _taken(self) -> nn.Module | None:
        """A layer whose place the kind can take by its name."""
        row = self.oracle.kind
        if not row.in_arms or CATALOG.get(row.name) is not row:
            return None
        if not row.adopts:
            return nn.Dropout(0.5)
        layer, kind = self.make(), row.adopts[0]
        if not isinstance(layer, kind) and not isinstance(layer, nn.RNNBase):
            return None
        options = inspect.signature(kind.__init__).parameters
        if "args" in options or "modules" in options:
            return None
        return _twin(layer, kind)


class _Twice(nn.Module):
    """One layer, two calls."""

    def __init__(self, drop: DropLayer) -> None:
        super().__init__()
        self.drop, self.breaks = drop, False

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Both calls."""
        first = _first(self.drop(x))
        if self.breaks:
            torch._dynamo.graph_break()  # noqa: SLF001  # its name in torch's documents
        return first, _first(self.drop(x))


def _check_calls(model: _Twice, called: Any, x: Tensor, step: int) -> None:
    """Two calls give what two layers of two names give."""
    with keyed(model, seed=1, step=step):
        found = called(x)
    for name, output in zip(("drop", "drop#2"), found, strict=True):
        alone = copy.deepcopy(model.drop)
        alone.key_name = name
        with keyed(alone, seed=1, step=step):
            torch.testing.assert_close(output, _first(alone(x)), rtol=1e-12, atol=1e-12)
    assert found[0].shape != found[1].shape or not torch.equal(*found)


def _hooks(oracle: Oracle) -> tuple[str, ...]:
    """Hooks to try; words have no gradient, and backward hooks warn of that."""
    return HOOKS if oracle.vocabulary is None else HOOKS[:2]


def _attach(layer: nn.Module, hooks: tuple[str, ...], seen: list[str], when: str, buffer: str = "") -> None:
    for name in hooks:
        getattr(layer, name)(lambda *_, name=name: seen.append(f"{when} {name}"))
    layer.note = when  # type: ignore[assignment]  # any attribute
    if buffer:
        layer.register_buffer(buffer, torch.ones(1))


def _twin(layer: Any, kind: type[nn.Module]) -> nn.Module:
    """A plain layer of torch's of the same sizes."""
    made: Any = kind.__new__(kind)
    plain = {"_p", "_rate", "p"}
    made.__dict__.update({name: value for name, value in copy.deepcopy(layer).__dict__.items() if name not in plain})
    keys = set(layer.state_dict()) - {getattr(layer, "learned", ""), "alpha", "beta"}
    for name in [name for name in made._parameters if name not in keys]:
        del made._parameters[name]
    return made  # type: ignore[no-any-return]


def _first(output: Any) -> Tensor:
    found: Tensor = output[0] if isinstance(output, tuple) else output
    return found

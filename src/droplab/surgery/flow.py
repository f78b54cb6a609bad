"""What a forward pass says about places: residual branches, what follows an activation, the head."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from torch import nn

from droplab.layers.layer import DropLayer
from droplab.layers.unreached import drops_by_number
from droplab.surgery.holders import FUNCTION_DOORS, CallRate, Seen, is_dropout
from droplab.surgery.site import NOISE, Site
from droplab.surgery.tracing import SUMS, Called, Node

_ACTIVATIONS = frozenset({
    "celu", "elu", "gelu", "glu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid", "mish", "prelu",
    "relu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softplus", "softsign", "tanh", "tanhshrink", "threshold",
})  # fmt: skip
_GATES = frozenset({"gelu", "relu", "silu"})
_TRANSPARENT = frozenset({
    "bfloat16", "channel_shuffle", "clone", "contiguous", "detach", "dropout", "expand", "flatten", "float", "getitem",
    "half", "mT", "movedim", "pad", "permute", "pixel_shuffle", "requires_grad", "reshape", "roll", "squeeze",
    "swapaxes", "T", "swapdims", "t", "to", "transpose", "type", "unflatten", "unsqueeze", "view", "view_as",
    "reshape_as", "interpolate",
})  # fmt: skip
_POOLS = ("max_pool", "avg_pool", "adaptive_max_pool", "adaptive_avg_pool", "lp_pool", "fn", "boolean_dispatch")
_SCALINGS = frozenset({"add", "radd", "iadd", "mul", "rmul", "imul", "div", "truediv", "itruediv", "sub"})
_PRODUCTS = _SCALINGS | {
    "linear", "matmul", "mm", "bmm", "addmm", "einsum", "conv1d", "conv2d", "conv3d", "bilinear", "baddbmm", "rmatmul",
}  # fmt: skip
_PROBABILITIES = frozenset({"softmax", "log_softmax"})


class Branch(NamedTuple):
    """A module's output that is added to what its input was made of."""

    module: str
    place: str


class Flow:
    """A forward pass.

    Args:
        nodes: its tensors, in the order in which they were made.
        calls: its modules' calls.
        outputs: the nodes of what the model gave.
        inputs: those of what it was given.
        weighted: names of modules with parameters of their own.
    """

    def __init__(
        self, nodes: list[Node], calls: list[Called], outputs: list[int], inputs: list[int], weighted: Iterable[str]
    ) -> None:
        self._nodes, self._calls, self._outputs, self._inputs = nodes, calls, outputs, inputs
        self.functions: dict[tuple[str, str], tuple[float, tuple[int, ...] | None]] = {}
        """Rate and shape of what drops by a function, by module and door."""
        self.otherwise: set[str] = set()
        """Modules that call such functions otherwise than by their names in ``torch.nn.functional``."""
        self.drew: dict[str, bool] = {}
        """Modules that draw in a way that has no key, and whether from torch's generators alone."""
        self._weighted = set(weighted)
        self.called = Counter(call.name for call in calls)
        self._calls_of: dict[str, list[Called]] = {}
        self._giving: dict[int | None, list[Called]] = {}
        for call in calls:
            self._calls_of.setdefault(call.name, []).append(call)
            self._giving.setdefault(call.gave, []).append(call)
        self._of_weights: list[bool] = []
        """For each node, whether it is made of parameters alone."""
        for node in nodes:
            made = all(self._of_weights[parent] for parent in node.parents) if node.parents else bool(node.parameters)
            self._of_weights.append(made)
        self._readers: dict[int, list[int]] = {}
        for place, node in enumerate(nodes):
            for parent in node.parents:
                self._readers.setdefault(parent, []).append(place)

    def branches(self) -> tuple[list[Branch], list[str]]:
        """Residual branches, in order; and the places of sums of which none of the terms is one.

        A branch is a module's output that is directly a term of a sum whose other term is an ancestor of its input, or
        that input itself. Of several modules with that output it is the outermost.
        """
        found: dict[str, Branch] = {}
        missing: list[str] = []
        for node in self._nodes:
            if node.function not in SUMS or len(node.parents) != 2:
                continue
            one, other = node.parents
            module = self._branch(one, other) or self._branch(other, one)
            if module:
                found.setdefault(module, Branch(module, node.place))
            else:
                missing.append(node.place)
        return list(found.values()), list(dict.fromkeys(missing))

    def _branch(self, term: int, other: int) -> str:
        makers = [call for call in self._giving.get(term, ()) if call.name and call.given is not None]
        suited = [call.name for call in makers if self._comes_from(call.given, other)]
        return min(reversed(suited), key=lambda name: name.count("."), default="")

    def _comes_from(self, node: int | None, ancestor: int) -> bool:
        waiting, known = [node], set[int]()
        while waiting:
            place = waiting.pop()
            if place == ancestor:
                return True
            if place is not None and place > ancestor and place not in known:
                known.add(place)
                waiting += self._nodes[place].parents
        return False

    def after_activations(self) -> list[str]:
        """Doorways of modules with weights that are only ever given what an activation made."""
        return self._doors_of(self._activated)

    def _activated(self, node: Node) -> bool:
        """Made by an activation, or by a gated one: its product with something else."""
        made = [self._behind(parent).function for parent in node.parents] if node.function == "mul" else []
        return node.function in _ACTIVATIONS or bool(_GATES & set(made))

    def first(self) -> list[str]:
        """Doorways of the modules with weights that are given the model's input."""
        given = {id(self._nodes[place]) for place in self._inputs}
        return self._doors_of(lambda node: id(node) in given)

    def _doors_of(self, suits: object) -> list[str]:
        told: dict[str, bool] = {}
        for call in self._calls:
            if call.name in self._weighted:
                here = call.given is not None and suits(self._behind(call.given))  # type: ignore[operator]
                told[call.name] = told.get(call.name, True) and here
        found = [name for name, here in told.items() if here]
        return [f"{name}:in" for name in found if not any(_within(other, name) for other in found)]

    def _behind(self, place: int) -> Node:
        """What made a tensor's values: views, pooling and dropout only hand them on."""
        node = self._nodes[place]
        while _hands_on(node) and node.parents:
            node = self._nodes[node.parents[0]]
        return node

    def heads(self) -> list[str]:
        """The doorway before what gives the model's output: a module with weights, or a function of weights.

        That is after the module whose output the function is given, where a module that holds others calls it with
        weights of its own, or of an embedding. None where it is neither.
        """
        place, by_function = next(iter(self._outputs), None), False
        while place is not None:
            node = self._nodes[place]
            if by_function:
                if named := [name for name in node.makers if name]:
                    return [f"{named[0]}:out"]
            elif gives := [name for name in node.makers if name in self._weighted and not self._holds(name)]:
                return [f"{gives[0]}:in"]
            weights = bool(node.parameters) or any(self._of_weights[parent] for parent in node.parents)
            data = [parent for parent in node.parents if not self._of_weights[parent]]
            if weights and len(data) == 1 and (node.function in _PRODUCTS):
                by_function |= node.function not in _SCALINGS
            elif not (_hands_on(node) or (node.function in _PROBABILITIES and not by_function)):
                break
            place = next(iter(data), None)
        makers = [] if not self._outputs else self._nodes[self._outputs[0]].makers
        return [f"{name}:in" for name in makers if name and name in self._weighted][:1]

    def _holds(self, name: str) -> bool:
        """Whether a module calls others within it."""
        return any(_within(call.name, name) for call in self._calls)

    def on_probabilities(self) -> list[str]:
        """Dropout layers that are given what softmax made: attention's probabilities."""
        found = {}
        for call in self._calls:
            node = None if call.gave is None else self._nodes[call.gave]
            if node is None or node.function != "dropout" or call.name not in node.makers or not node.parents:
                continue
            if self._nodes[node.parents[0]].function in _PROBABILITIES:
                found[call.name] = True
        return list(found)

    def with_calls(self, sites: list[Site]) -> Iterator[Site]:
        """Sites, and after each layer those of its calls that are not the first."""
        there = {site.name for site in sites}
        for site in sites:
            yield site
            layer = site.layer
            if isinstance(layer, DropLayer) and layer is site.module:
                for call in range(2, self.called[site.name] + 1):
                    name = f"{site.name}#{call}"
                    if name not in there:
                        yield site._replace(name=name, call=call, layer=CallRate(layer, call))

    def with_functions(self, model: nn.Module, sites: list[Site]) -> list[Site]:
        """Sites, and what drops by a function and is not under keys."""
        there = {site.name for site in sites}
        for (name, door), (p, shape) in self.functions.items():
            module = model.get_submodule(name)
            if f"{name}:{door}" not in there and not drops_by_number(module):
                sites.append(Site(f"{name}:{door}", module, 1, door, Seen(p), "seen only", 0, shape))
        for name in self.drew:
            module = model.get_submodule(name)
            if f"{name}:{NOISE}" not in there and not is_dropout(module):
                sites.append(Site(f"{name}:{NOISE}", module, 1, NOISE, None, "seen only"))
        return sites

    def told(self, site: Site) -> Site:
        """A site with what the pass tells of it."""
        if site.door in FUNCTION_DOORS:
            known = self.functions.get((site.name.partition(":")[0], site.door))
            return site if known is None else site._replace(shape=known[1])
        name = site.name.partition(":")[0].rpartition("#")[0] if site.call > 1 else site.name.partition(":")[0]
        mine = self._calls_of.get(name, [])
        if len(mine) < site.call:
            return site
        call = mine[site.call - 1]
        if site.door == "out":
            return site._replace(shape=call.gave_shape, after=name, feeds=self._feeds(call.gave))
        after = "" if call.given is None else self._made_by(call.given)
        place = call.given if site.door else call.gave
        return site._replace(shape=call.shape, after=after, feeds=self._feeds(place))

    def _made_by(self, place: int) -> str:
        node = self._nodes[place]
        return node.makers[0] if node.makers else node.function or "input"

    def _feeds(self, place: int | None) -> tuple[str, ...]:
        """Parameters that a tensor meets, through views, pooling and dropout."""
        found: dict[str, None] = {}
        waiting = [] if place is None else [place]
        while waiting:
            for reader in self._readers.get(waiting.pop(), ()):
                found.update(dict.fromkeys(self._nodes[reader].parameters))
                if _hands_on(self._nodes[reader]):
                    waiting.append(reader)
        return tuple(found)


def _hands_on(node: Node) -> bool:
    return node.function in _TRANSPARENT or node.function.startswith(_POOLS)


def _within(name: str, outer: str) -> bool:
    """Whether a module is one of those that another holds.

    >>> _within("blocks.0", "blocks"), _within("blocks.0", ""), _within("blocks", "blocks")
    (True, True, False)
    """
    return bool(name) and name != outer and (not outer or name.startswith(f"{outer}."))

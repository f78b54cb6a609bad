"""Presets: places that mean something in any architecture, such as ``@before_head``.

A preset is no pattern of names: no module can be called so. Most are found by a forward pass of the model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from torch import nn

from droplab.errors import SiteError, quote, suggest
from droplab.surgery.example import flow_of
from droplab.surgery.holders import is_dropout, own_rates
from droplab.surgery.view import closed_doorways, view

_EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)


def preset(model: nn.Module, name: str) -> tuple[str, ...]:
    """The sites that a preset names in a model, in the order of the forward pass.

    ``@input``: before the first modules with weights (after an embedding). ``@after_activations``: before modules with
    weights that are given what an activation made. ``@early(k)``, ``@late(k)``: the first or last ``k`` of these.
    ``@before_head``: before the module that gives the output; where that is a function of weights (of an embedding's,
    say), after the module that it follows. ``@residual``: after the module at the end of each
    residual branch. ``@attention``: attention's probabilities. ``@embeddings``: after embeddings. ``@lora``: adapters'
    dropout, or before their first matrix.

    Raises:
        SiteError: an unknown preset, or one that finds nothing in the model.

    >>> import torch
    >>> from droplab.surgery.example import remember
    >>> model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3))
    >>> remember(model, (torch.ones(1, 2),))
    >>> preset(model, "@after_activations"), preset(model, "@input"), preset(model, "@before_head")
    (('2:in',), ('0:in',), ('2:in',))
    """
    match = re.fullmatch(r"@(\w+)(?:\((\d+)\))?", name)
    find = None if match is None else PRESETS.get(match[1])
    if match is None or find is None or (match[2] is not None) != (match[1] in _COUNTED):
        known = [f"@{one}(k)" if one in _COUNTED else f"@{one}" for one in PRESETS]
        raise SiteError(f"unknown preset {quote(name)}{suggest(name, known)}; there are {', '.join(known)}")
    closed = closed_doorways(model)
    found = tuple(dict.fromkeys(site for site in find(model, int(match[2] or 0)) if site not in closed))
    if not found:
        raise SiteError(f"{name} finds nothing in this {type(model).__name__}: {_WANTED[match[1]]}")
    return found


def _input(model: nn.Module, _: int) -> list[str]:
    found = flow_of(model, "@input").first()
    tables = {name for name, module in model.named_modules() if isinstance(module, _EMBEDDINGS)}
    return [f"{name}:out" if name in tables else f"{name}:in" for name in (site.partition(":")[0] for site in found)]


def _after_activations(model: nn.Module, _: int) -> list[str]:
    return flow_of(model, "@after_activations").after_activations()


def _early(model: nn.Module, count: int) -> list[str]:
    return flow_of(model, "@early(k)").after_activations()[:count]


def _late(model: nn.Module, count: int) -> list[str]:
    found = flow_of(model, "@late(k)").after_activations()
    return found[len(found) - count :] if count < len(found) else found


def _before_head(model: nn.Module, _: int) -> list[str]:
    return flow_of(model, "@before_head").heads()


def branches(model: nn.Module) -> list[str]:
    """The names of the modules whose outputs are residual branches."""
    return [branch.module for branch in flow_of(model, "*:branch").branches()[0]]


def _residual(model: nn.Module, _: int) -> list[str]:
    return [f"{name}:out" for name in branches(model)]


def _attention(model: nn.Module, _: int) -> list[str]:
    numbers = [site for site, rate in own_rates(model).items() if isinstance(rate.module, nn.MultiheadAttention)]
    flow = flow_of(model, "@attention")
    attended = [f"{name}:{door}" for name, door in flow.functions if door == "attention"]
    attended += [site.name for site in view(model) if site.door == "attention"]
    known = {f"{site.removesuffix('dropout').rstrip('.')}:attention" for site in numbers}
    return [*numbers, *flow.on_probabilities(), *(site for site in attended if site not in known)]


def _embeddings(model: nn.Module, _: int) -> list[str]:
    return [f"{name}:out" for name, module in model.named_modules() if isinstance(module, _EMBEDDINGS)]


def _lora(model: nn.Module, _: int) -> list[str]:
    modules = dict(model.named_modules())
    layers = [name for name, module in modules.items() if "lora_dropout" in name.split(".") and is_dropout(module)]
    if layers:
        return layers
    return [f"{name}:in" for name, module in modules.items() if _is_first_matrix(name, module)]


def _is_first_matrix(name: str, module: nn.Module) -> bool:
    return "lora_A" in name.split(".") and any(True for _ in module.parameters(recurse=False))


PRESETS: Mapping[str, Callable[[nn.Module, int], list[str]]] = {
    "input": _input,
    "after_activations": _after_activations,
    "before_head": _before_head,
    "residual": _residual,
    "attention": _attention,
    "embeddings": _embeddings,
    "early": _early,
    "late": _late,
    "lora": _lora,
}
_COUNTED = ("early", "late")
_HIDDEN = "no module with weights is given what an activation made"
_WANTED = {
    "input": "no module with weights is given the model's input itself",
    "after_activations": _HIDDEN,
    "before_head": "its output is not that of one module with weights, nor of a function of weights after one",
    "residual": "no module's output is added to what its input was made of",
    "attention": "nothing drops probabilities: no MultiheadAttention, no dropout_p, no dropout layer after a softmax",
    "embeddings": "it has no torch.nn.Embedding",
    "early": _HIDDEN,
    "late": _HIDDEN,
    "lora": "no module is called lora_dropout or lora_A",
}

"""Where dropout acts or could act in a model.

Four kinds of site:

- a dropout layer that the model has, under its module name: ``drop1``, ``blocks.3.dropout``;
- the number by which a module of torch's drops, attention's or a recurrent stack's: ``self_attn.dropout``;
- a layer with weights whose weights are dropped, under its module name, for kinds that do that: ``fc1``;
- a doorway of a module that holds parameters of its own: ``fc1:in`` before its first argument, ``fc1:out`` after what
  it gives (of a recurrent layer and of attention: the output, not the states or weights that come with it).

A pattern follows ``fnmatch`` (``*``, ``?``, ``[…]``). One without a colon matches what drops already, so ``*`` never
plants dropout where the model's author had none (nor, without a kind for weights, on weights); one with a colon
matches doorways.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from torch import nn
from torch.nn.utils import parametrize

from droplab.errors import SiteError, quote, suggest
from droplab.surgery.dropping import is_dropout
from droplab.surgery.numbers import own_rates
from droplab.surgery.weighted import adoptable


def sites(model: nn.Module) -> tuple[str, ...]:
    """All sites of a model: its dropout layers first, then numbers, then the doorways, in the order of its modules.

    >>> sites(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)))
    ('1', '0:in', '0:out')
    >>> sites(nn.Sequential(nn.MultiheadAttention(4, 2), nn.Embedding(5, 4)))
    ('0.dropout', '0:in', '0:out', '1:out')
    """
    layers = [name for name, module in model.named_modules() if name and is_dropout(module)]
    closed = closed_doorways(model)
    return (*layers, *own_rates(model), *(door for door in _all_doorways(model) if door not in closed))


def _all_doorways(model: nn.Module) -> list[str]:
    owners = [
        name
        for name, module in model.named_modules()
        if name and (any(True for _ in module.parameters(recurse=False)) or parametrize.is_parametrized(module))
    ]
    return [f"{name}:{door}" for name in owners for door in ("in", "out")]


def closed_doorways(model: nn.Module) -> dict[str, str]:
    """Doorways where dropout would never act or could not, and why.

    >>> list(closed_doorways(nn.Sequential(nn.MultiheadAttention(4, 2))))
    ['0.out_proj:in', '0.out_proj:out']
    """
    found: dict[str, str] = {}
    for name, module in model.named_modules():
        both = (f"{name}:in", f"{name}:out")
        inside = f"{name}.".lstrip(".")
        if isinstance(module, nn.MultiheadAttention):
            why = "attention reads its weights and never calls it, so nothing would be dropped"
            found.update(dict.fromkeys((f"{inside}out_proj:in", f"{inside}out_proj:out"), f"{why}; use {name}:out"))
        if isinstance(module, (nn.ParameterList, nn.ParameterDict)):
            found.update(dict.fromkeys(both, "it only holds parameters and is never called"))
        if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
            found[f"{name}:in"] = f"its input is whole numbers, which cannot be scaled; use {name}:out"
        if isinstance(module, nn.LSTMCell):
            found[f"{name}:out"] = "it gives a hidden state and a cell state, and it is not clear which is meant"
        if parametrize.is_parametrized(module):
            computes = [
                f"{inside}parametrizations.{part}" for part, _ in module.parametrizations.named_modules() if part
            ]
            why = "it computes a weight, from no input"
            found.update({f"{part}:{door}": why for part in computes for door in ("in", "out")})
    return found


def match_sites(model: nn.Module, pattern: str, weights: tuple[type[nn.Module], ...] = ()) -> tuple[str, ...]:
    """The sites that a pattern names.

    Args:
        model: any.
        pattern: as above.
        weights: types of layers with weights that are sites too, under their own names.

    Raises:
        SiteError: the pattern matches nothing; the message lists the sites, or says why one is none.

    >>> match_sites(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)), "*")
    ('1',)
    """
    known = (*sites(model), *(name for name in adoptable(model, weights) if not is_dropout(model.get_submodule(name))))
    found = tuple(site for site in known if matches(site, pattern))
    if found:
        return found
    for site, why in closed_doorways(model).items():
        if matches(site, pattern):
            raise SiteError(
                f"site pattern {quote(pattern)} names {site}, where dropout cannot act: {why}. {_listing(known)}"
            )
    raise SiteError(f"site pattern {quote(pattern)} matches nothing{suggest(pattern, known)}. {_listing(known)}")


def matches(site: str, pattern: str) -> bool:
    """Whether a pattern names a site.

    >>> matches("fc1:in", "fc*:in"), matches("fc1:in", "*")
    (True, False)
    """
    return (":" in site) == (":" in pattern) and fnmatchcase(site, pattern)


def _listing(known: Sequence[str]) -> str:
    layers = [site for site in dict.fromkeys(known) if ":" not in site]
    doors = [site for site in known if ":" in site]
    return (
        f"Dropout layers of this model: {', '.join(layers) or 'none'}. "
        f"Doorways where dropout can be added: {', '.join(doors) or 'none'}."
    )

"""Where dropout acts or could act in a model.

Three kinds of site:

- a dropout layer that the model has, under its module name: ``drop1``, ``blocks.3.dropout``;
- a layer with weights whose weights are dropped, under its module name, for variants that do that: ``fc1``;
- a doorway of a module that holds parameters of its own: ``fc1:in`` before it, ``fc1:out`` after it.

A pattern follows ``fnmatch`` (``*``, ``?``, ``[…]``). One without a colon matches existing layers only, so
``*`` never plants dropout where the model's author had none (nor, without a variant for weights, on weights); one
with a colon matches doorways.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from torch import nn

from droplab.errors import SiteError, quote, suggest
from droplab.surgery.adopting import adoptable
from droplab.surgery.layers import is_dropout


def sites(model: nn.Module) -> tuple[str, ...]:
    """All sites of a model: its dropout layers first, then the doorways, in the order of its modules.

    >>> sites(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)))
    ('1', '0:in', '0:out')
    """
    named = [(name, module) for name, module in model.named_modules() if name]
    layers = [name for name, module in named if is_dropout(module)]
    owners = [name for name, module in named if any(True for _ in module.parameters(recurse=False))]
    return (*layers, *(f"{name}:{door}" for name in owners for door in ("in", "out")))


def match_sites(model: nn.Module, pattern: str, weights: tuple[type[nn.Module], ...] = ()) -> tuple[str, ...]:
    """The sites that a pattern names.

    Args:
        model: any.
        pattern: as above.
        weights: types of layers with weights that are sites too, under their own names.

    Raises:
        SiteError: the pattern matches nothing; the message lists the sites.

    >>> match_sites(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)), "*")
    ('1',)
    """
    known = (*sites(model), *(name for name in adoptable(model, weights) if not is_dropout(model.get_submodule(name))))
    found = tuple(site for site in known if (":" in site) == (":" in pattern) and fnmatchcase(site, pattern))
    if not found:
        raise SiteError(f"site pattern {quote(pattern)} matches nothing{suggest(pattern, known)}. {_listing(known)}")
    return found


def _listing(known: Sequence[str]) -> str:
    layers = [site for site in dict.fromkeys(known) if ":" not in site]
    doors = [site for site in known if ":" in site]
    return (
        f"Dropout layers of this model: {', '.join(layers) or 'none'}. "
        f"Doorways where dropout can be added: {', '.join(doors) or 'none'}."
    )

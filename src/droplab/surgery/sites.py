"""All sites of a model.

Six kinds of site:

- a dropout layer that the model has, under its module name: ``drop1``, ``blocks.3.dropout``;
- a call of such a layer that is not the first in a forward pass: ``dropout#2``;
- the number by which a module of torch's drops, attention's or a recurrent stack's: ``self_attn.dropout``;
- a layer with weights whose weights are dropped, under its module name, for kinds that do that: ``fc1``;
- a doorway of a module that holds parameters of its own: ``fc1:in`` before its first argument, ``fc1:out`` after what
  it gives (of a recurrent layer and of attention: the output, not the states or weights that come with it);
- what a module drops by a function, ``attn:dropout`` (``F.dropout`` and its like) and ``attn:attention`` (``dropout_p``
  of scaled dot product attention), which a forward pass finds.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from droplab.surgery.example import refuse_others, remember, seen
from droplab.surgery.holders import OwnRate
from droplab.surgery.site import Site, Sites
from droplab.surgery.view import ranked, view


def sites(model: nn.Module, *inputs: Any, **named: Any) -> Sites:
    """All sites of a model: its dropout layers first, then numbers, then the doorways, in the order of its modules.

    Args:
        model: any; left as it is.
        inputs: what the model is called with, for one forward pass that tells of each site what is dropped there, what
            made it, which parameters it meets, and of each layer how often it is called (``dropout#2``). The pass is
            made in training mode, without gradients; buffers and generators are put back. It is remembered for the
            model: patterns that need one (``*:branch``, ``@before_head``) can then be given without.
        named: what it is called with by name.

    Returns:
        The names, as a tuple; ``sites(model)["fc1:in"]`` is what is known of one: its ``module``, ``call``, ``door``,
        the ``layer`` that drops there, its ``level`` and ``depth``, and with inputs ``shape``, ``after`` and ``feeds``.
        Printed, a table.

    Raises:
        ModelError: it is no torch module, or raises on what it is called with.

    >>> import torch
    >>> model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Dropout(0.5), nn.Linear(2, 3))
    >>> sites(model)
    ('2', '0:in', '0:out', '3:in', '3:out')
    >>> print(sites(model, torch.ones(8, 2)))
    site   p    what     level      depth  shape  after  feeds
    2      0.5  Dropout  seen only  2      8×2    1      3.weight, 3.bias
    0:in                            0      8×2    input  0.weight, 0.bias
    0:out                           1      8×2    0
    3:in                            3      8×2    2      3.weight, 3.bias
    3:out                           4      8×3    3
    """
    refuse_others(model, "sites")
    if inputs or named:
        remember(model, inputs, named)
    found = view(model)
    known = seen(model) if inputs or named else None
    if known is not None:
        found = ranked(model, list(known.with_calls(known.with_functions(model, found))))
        found = [known.told(site) for site in found]
    return Sites([site for kind in range(3) for site in found if site.name and _kind(site) == kind])


def _kind(site: Site) -> int:
    return 2 if site.door else int(isinstance(site.layer, OwnRate))

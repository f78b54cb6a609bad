"""droplab's layers as leaves of ``torch.fx``'s graphs, as torch's own layers are."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from torch.fx import Proxy

from droplab.errors import UserError


def leaf(forward: Callable[..., Any]) -> Callable[..., Any]:
    """A layer's ``forward`` that writes a call of the layer into a graph when it meets ``torch.fx``'s stand-ins.

    What a layer does depends on its mode, so a graph that holds what it did once would hold it for ever: traced in
    eval mode, it would never drop again. ``torch.fx`` takes modules of ``torch.nn`` for leaves by their names; others
    have to say so themselves.
    """

    @functools.wraps(forward)
    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], Proxy):
            return _recorded(self, args[0].tracer, args, kwargs)
        if not args:
            for value in kwargs.values():
                if isinstance(value, Proxy):
                    return _recorded(self, value.tracer, args, kwargs)
        return forward(self, *args, **kwargs)

    return called


def _recorded(layer: Any, tracer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return tracer.create_proxy("call_module", path_of(layer, tracer), args, kwargs)


def path_of(layer: Any, tracer: Any) -> str:
    """A layer's name in the model that is being traced.

    Raises:
        UserError: it has none there.
    """
    try:
        path: str = tracer.path_of_module(layer)
    except NameError as problem:
        raise UserError(
            f"torch.fx cannot trace a droplab.nn.{type(layer).__name__} that is not among the model's modules, such as "
            "one at a doorway of a module that is traced through. Name that module a leaf of the tracer, or put the "
            "layer into the model"
        ) from problem
    return path

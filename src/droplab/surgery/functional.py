"""Keys and rates for what a module calls as a function: ``F.dropout``, attention's ``dropout_p``, recurrent kernels.

Only the module that makes the calls is touched: while its ``forward`` runs, these functions are droplab's, with the key
of a layer of the module's own. They are exchanged by their names where a forward pass has seen that the module calls
them so, else by a mode of torch's, which sees them under any. Attention is then computed explicitly, so masks are a
function of the key; ``nn.MultiheadAttention`` runs torch's own code with these two functions exchanged. Stacked
recurrent layers run one after the other. What draws in any other way has torch's generators set from the key.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as torchs
from torch.nn.utils.rnn import PackedSequence
from torch.overrides import TorchFunctionMode

from droplab import functional as own
from droplab.errors import KeyingError
from droplab.layers.doorway import doorways_moved
from droplab.layers.serving import REPLICATE, Function, Serving, serving
from droplab.masks.internals import checkpointed_since, function_modes_active, may_be_recomputed, never_begun
from droplab.surgery import recurrent as stacks
from droplab.surgery.exchanging import Exchange
from droplab.surgery.seeded import seeded
from droplab.surgery.undoing import Undo, remembered

_RANKS = {"dropout1d": 3, "dropout2d": 4, "dropout3d": 5}
_DROPOUTS: dict[Any, Callable[..., Tensor]] = {
    getattr(torchs, name): getattr(own, name) for name in ("dropout", "alpha_dropout", "feature_alpha_dropout", *_RANKS)
}
_METHODS = frozenset(name for name, method in vars(Tensor).items() if isinstance(method, FunctionType))
_FORWARD = Serving.forward.__code__
_ATTENTION = torchs.scaled_dot_product_attention
_HEADS = torchs.multi_head_attention_forward


def asked(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, float] | None:
    """The door and the rate of a call of a function that drops and can be under keys; ``None`` of any other.

    >>> asked(torchs.dropout, (torch.ones(2), 0.3), {})
    ('dropout', 0.3)
    """
    if func in _DROPOUTS:
        rate, training = _dropped(*args, **kwargs)[1:3]
        fits = getattr(args[0] if args else kwargs["input"], "ndim", 0) == _RANKS.get(func.__name__, -1)
        return ("dropout", float(rate)) if training and (fits or func.__name__ not in _RANKS) else None
    if func is _ATTENTION:
        options = _attended(*args, **kwargs)
        return ("attention", float(options[4])) if 3 <= options[0].ndim <= 4 else None
    if func is _HEADS:
        return ("attention", float(kwargs.get("dropout_p", args[10] if len(args) > 10 else 0.0)))
    if func in stacks.KERNELS:
        call = stacks.stack(args, kwargs)
        return ("recurrent", call.p) if call is not None and call.drops else None
    return None


def _dropped(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> tuple[Any, ...]:  # noqa: A002  # torch's name
    return input, p, training, inplace


def _attended(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    return query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa


class Functions(Serving):
    """A forward whose functions are under keys."""

    order: Tensor | None = None
    """Where the samples of a packed batch were before it was sorted."""

    def __init__(self, module: nn.Module, by_name: bool = False) -> None:
        super().__init__(module)
        self.by_name = by_name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The module's forward. In eval mode torch's own modules are left as they are, which drop nothing then."""
        module = self.module
        if self.paused or (not module.training and isinstance(module, (nn.MultiheadAttention, nn.RNNBase))):
            return self.forward(*args, **kwargs)
        noise = self.functions.get("noise")
        if noise is not None:
            return seeded(noise.key, self._served if len(self.functions) > 1 else self.forward, args, kwargs)
        return self._served(*args, **kwargs)

    def _served(self, *args: Any, **kwargs: Any) -> Any:
        if isinstance(self.module, nn.RNNBase):
            batch = args[0] if args else kwargs.get("input")
            self.order = batch.sorted_indices if isinstance(batch, PackedSequence) else None
        if torch.compiler.is_compiling():
            return self._in_mode(*args, **kwargs)
        if self.by_name and not function_modes_active():
            return NAMES.run(self, self.forward, args, kwargs)
        return NAMES.run(None, self._in_mode, args, kwargs)

    def _in_mode(self, *args: Any, **kwargs: Any) -> Any:
        with _Mode(self):
            return self.forward(*args, **kwargs)

    def called(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call of any function that can be under keys.

        Raises:
            KeyingError: the module checkpoints what makes the call.
        """
        if not torch.compiler.is_compiling() and may_be_recomputed() and checkpointed_since(_FORWARD):
            door, p = asked(func, args, kwargs) or ("", 0.0)
            function = self.functions.get(door)
            if function is not None and (p or function.given):
                if function.given or function.is_keyed:
                    raise KeyingError(
                        f"{type(self.module).__name__} calls {func.__name__} within a function that it checkpoints "
                        "itself. The call is made again outside of the module's forward, where it would draw another "
                        "mask. Checkpoint the module, checkpoint(module, x), or use a layer, nn.Dropout"
                    )
                return func(*args, **kwargs)  # as torch's, which draws the same again
        return _HANDLED[func](self, func, args, kwargs)

    def dropout(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call of one of torch's functions that drop."""
        function = self.functions.get("dropout")
        values, p, training, inplace = _dropped(*args, **kwargs)
        if function is None or not training or (not p and not function.given) or asked(func, args, kwargs) is None:
            return func(*args, **kwargs)
        return _DROPOUTS[func](values, function.rate(p), training, inplace, key=function.key(values))

    def attention(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call of scaled dot product attention; one that asks for no dropout is not asked to drop."""
        function, call = self.functions.get("attention"), asked(_ATTENTION, args, kwargs)
        query, keys, values, mask, p, causal, scale, grouped = _attended(*args, **kwargs)
        if function is None or call is None or not p:
            return _ATTENTION(*args, **kwargs)
        if query.ndim == 3:
            query, keys, values = (tensor.unsqueeze(1) for tensor in (query, keys, values))
            mask = mask.unsqueeze(-3) if mask is not None and mask.ndim == 3 else mask
            return self.attention((query, keys, values, mask, p, causal, scale), {}).squeeze(1)
        if grouped:
            keys, values = (part.repeat_interleave(query.shape[1] // part.shape[1], 1) for part in (keys, values))
        options: Any = {"attn_mask": mask, "is_causal": causal, "scale": scale, "key": function.key(query)}
        return own.attention(query, keys, values, function.rate(p), True, **options)

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # its code is exchanged while it runs, which no trace follows
    def heads(self, *args: Any, **kwargs: Any) -> Any:
        """Torch's attention of several heads, its own code, with dropout and attention exchanged."""
        function = self.functions.get("attention")
        if function is None:
            return _HEADS(*args, **kwargs)

        module: Any = self.module
        heads: int = module.num_heads

        def dropout(probabilities: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
            if not training or not p:
                return probabilities
            apart = probabilities.reshape(-1, heads, *probabilities.shape[1:])
            dropped: Tensor = own.dropout(apart, function.rate(p), True, key=function.key(apart))
            return dropped.flatten(0, 1)

        exchanged = {
            "has_torch_function": lambda *_: False,
            "dropout": dropout,
            "scaled_dot_product_attention": lambda *given, **named: self.attention(given, named),
        }
        code: Any = _HEADS
        run = FunctionType(code.__code__, {**code.__globals__, **exchanged}, code.__name__, code.__defaults__)
        run.__kwdefaults__ = code.__kwdefaults__
        return run(*args, **kwargs)

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # torch compiles no recurrent kernel
    def recurrent(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call of a recurrent kernel."""
        function, call = self.functions.get("recurrent"), stacks.stack(args, kwargs)
        if function is None or call is None or not call.drops:
            return func(*args, **kwargs)
        function.batch_dim = 0 if call.batch_first else 1
        return stacks.run(func, call, function.rate(call.p), function.key, self.order)


class _Mode(TorchFunctionMode):
    def __init__(self, owner: Functions) -> None:
        super().__init__()
        self.owner = owner

    @never_begun  # graphs of its own would take one of a tensor's attributes for another
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        func = NAMES.plain.get(func, func)
        if func in _HANDLED:
            return self.owner.called(func, args, kwargs or {})
        if torch.compiler.is_compiling() and func.__name__ in _METHODS:  # Dynamo knows the method, and not its Python
            return getattr(args[0], func.__name__)(*args[1:], **(kwargs or {}))
        return func(*args, **kwargs) if kwargs else func(*args)


_NAMED: dict[Any, Callable[[Functions, Any, Any, Any], Any]] = {
    **dict.fromkeys(_DROPOUTS, lambda owner, func, args, kwargs: owner.dropout(func, args, kwargs)),
    _ATTENTION: lambda owner, _, args, kwargs: owner.attention(args, kwargs),
    _HEADS: lambda owner, _, args, kwargs: owner.heads(*args, **kwargs),
}
NAMES = Exchange(_NAMED)
_HANDLED = _NAMED | dict.fromkeys(stacks.KERNELS, lambda owner, func, args, kwargs: owner.recurrent(func, args, kwargs))


def serve(module: nn.Module, door: str, p: float, by_name: bool = False) -> Undo:
    """Put the functions of a module behind one door under keys. They keep the rates that the model gives them.

    Args:
        module: changed in place.
        door: ``dropout``, ``attention``, ``recurrent``, or ``noise`` for what it draws otherwise.
        p: what is shown as their rate.
        by_name: a forward pass has seen that it calls them by their names in ``torch.nn.functional``.

    >>> import droplab
    >>> class Mine(nn.Module):
    ...     def forward(self, x):
    ...         return torchs.dropout(x, 0.5, self.training)
    >>> model, x = nn.Sequential(Mine()), torch.ones(100)
    >>> undo = serve(model[0], "dropout", 0.5)
    >>> with droplab.keyed(model, seed=1):
    ...     y = model(x)
    >>> with droplab.keyed(model, seed=1):
    ...     torch.equal(model(x), y)
    True
    >>> undo()
    """
    found = serving(module)
    if found is not None and door in found.functions:
        return lambda: None
    if found is None:
        found = Functions(module, by_name)
        module.__dict__.update({"forward": found, REPLICATE: found.replica})
    found.by_name &= by_name
    found.functions[door] = Function(p)
    doorways_moved()
    there = found

    def restore() -> None:
        there.functions.pop(door, None)
        if not there.functions and module.__dict__.get("forward") is there:
            del module.__dict__[REPLICATE]
            if there.before is None:
                del module.__dict__["forward"]
            else:
                module.__dict__["forward"] = there.before
        doorways_moved()

    return remembered(module, ("function", door), restore)

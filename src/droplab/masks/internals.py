"""The names of torch that have no public form, in one place; each is used by torch's own Python code."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import CodeType, FrameType
from typing import Any

import torch
from torch._functorch import config
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack
from torch._subclasses import FakeTensor
from torch.autograd import Function, forward_ad
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils.checkpoint import CheckpointFunction, checkpoint

_C: Any = torch._C
_graph_task, _top_hooks = _C._current_graph_task_id, _C._autograd._top_saved_tensors_default_hooks
_REENTRANT = CheckpointFunction.forward.__code__
_REENTRANT_AGAIN = CheckpointFunction.backward.__code__
_CHECKPOINTS = frozenset({_REENTRANT, inspect.unwrap(checkpoint).__code__})


transforms_active: Callable[[], bool] = _C._are_functorch_transforms_active
"""Whether a transform of ``torch.func`` is at work."""


jit_tracing: Callable[[], bool] = _C._is_tracing
"""Whether ``torch.jit.trace``, or ONNX's old exporter, records what is carried out."""


def modes_active() -> bool:
    """Whether a dispatch mode or ``torch.jit.trace`` is at work: tracers, counters, policies of checkpointing."""
    return _C._len_torch_dispatch_stack() > 0 or jit_tracing()


def function_modes_active() -> bool:
    """Whether a mode sees what functions of torch are called."""
    return bool(_C._len_torch_function_stack())


def exporting_to_onnx() -> bool:
    """Whether a model is being exported to ONNX."""
    return torch.onnx.is_in_onnx_export()


is_batched_gradient: Callable[[torch.Tensor], bool] = _C._functorch.is_legacy_batchedtensor
"""Whether a gradient is one of many at once: ``torch.autograd.grad(..., is_grads_batched=True)``."""


def functionalizing() -> bool:
    """Whether ``torch.func.functionalize`` is one of the transforms at work."""
    levels = _C._functorch.get_interpreter_stack() or ()
    return any(level.key() == _C._functorch.TransformType.Functionalize for level in levels)


def mode_of(x: torch.Tensor) -> AbstractContextManager[Any]:
    """A fake tensor's own mode, in which what is made for it is fake too; nothing for other tensors."""
    if torch.compiler.is_compiling() or type(x) is not FakeTensor:
        return nullcontext()
    mode: AbstractContextManager[Any] = x.fake_mode
    return mode


def base_of(x: torch.Tensor) -> torch.Tensor | None:
    """What a tensor is a view of, to autograd."""
    return x._base


def made_as_a_view_that_must_stay(x: torch.Tensor) -> bool:
    """Whether autograd cannot follow a change of a view in place, for the way it was made."""
    autograd: Any = _C._autograd
    made: Any = autograd._get_creation_meta(x)
    return bool(made != autograd.CreationMeta.DEFAULT)


def forget_graphs() -> None:
    """Let compiled functions be traced again when they are called next, whatever their guards say."""
    import torch._dynamo as dynamo

    dynamo.reset_code_caches()  # type: ignore[no-untyped-call, unused-ignore]


def remove_global_hook(handle: Any) -> None:
    """As ``handle.remove()``, which forgets that the hook was to be given arguments by name."""
    handle.remove()
    torch.nn.modules.module._global_forward_hooks_with_kwargs.pop(handle.id, None)


def never_traced(function: Any) -> Any:
    """A function whose own frame Dynamo leaves to Python: it asks what no graph may take for a constant."""
    from torch._dynamo.decorators import skip

    return skip(function)


def never_begun(function: Any) -> Any:
    """A function that is traced within others, and with which no graph of its own begins."""
    from torch._dynamo.eval_frame import skip_code

    skip_code(function.__code__)
    return function


@never_traced
def in_backward() -> bool:
    """Whether autograd is carrying out a backward pass on this thread."""
    running: bool = _graph_task() != -1
    return running


def dual_level() -> bool:
    """Whether forward-mode differentiation is at work."""
    return forward_ad._current_level >= 0


def has_tangent(x: torch.Tensor) -> bool:
    """Whether forward-mode differentiation follows a tensor."""
    return forward_ad.unpack_dual(x).tangent is not None  # type: ignore[no-untyped-call]


def under_checkpoint() -> bool:
    """Whether tensors that are saved now go through ``torch.utils.checkpoint``."""
    hooks = _top_hooks(False)
    return hooks is not None and getattr(hooks[0], "__module__", "") == "torch.utils.checkpoint"


def may_be_recomputed() -> bool:
    """Whether what is called now is within a checkpointed function; the reentrant kind's forward pass has no hooks."""
    if _top_hooks(False) is not None and under_checkpoint():
        return True
    return not torch.is_grad_enabled() and _caller(_REENTRANT) is not None


def checkpointed_since(code: CodeType) -> bool:
    """Whether what is called now is within a checkpointed function that was begun after a caller with this code."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code is not code:
        if frame.f_code in _CHECKPOINTS:
            return True
        frame = frame.f_back
    return False


def generator_restored() -> bool:
    """Whether a caller is the reentrant kind's recomputation, which set the generators back to its forward pass."""
    frame = _caller(_REENTRANT_AGAIN)
    return frame is not None and bool(frame.f_locals["ctx"].preserve_rng_state)


def _caller(code: CodeType) -> FrameType | None:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    return frame


@contextmanager
def without_modes() -> Iterator[None]:
    """Within it no dispatch mode sees what is done (policies of checkpointing, counters, fake tensors), no transform.

    >>> def drawn(x):
    ...     with without_modes():
    ...         number = len(torch.rand(1))
    ...     return x + number
    >>> torch.func.vmap(drawn)(torch.zeros(2))  # which would refuse to draw
    tensor([1., 1.])
    """
    with _disable_current_modes(), temporarily_clear_interpreter_stack():
        yield


def plain_apply(function: type[Function]) -> Any:
    """``function.apply`` without what it does for transforms, where they are not active: three times as fast."""
    parent: Any = super(Function, function)
    return parent.apply


def assume_constant(function: Any) -> Any:
    """A function that a trace calls once and takes the result of for a constant; not for numbers."""
    mark: Any = torch.compiler.assume_constant_result
    return mark(function)


def constant_number(function: Callable[..., int]) -> Callable[..., int]:
    """The same for whole numbers, of which a second one of the same function would be traced as a variable."""
    told = assume_constant(lambda *values: str(function(*values)))
    return lambda *values: int(told(*values))


def guarded(condition: Callable[[], bool]) -> Callable[[], bool]:
    """A condition that a trace takes for a constant, in a graph that is run only where it holds as it held then."""

    def create(builder: Any, guard: Any) -> None:
        then = condition()
        add, parts = builder.guard_manager.root.add_lambda_guard, [f"{condition.__name__}() == {then}"]
        try:
            add(lambda _: condition() == then, parts, guard.user_stack)
        except TypeError:  # in older versions of torch a guard has no stack
            add(lambda _: condition() == then, parts)

    def asked() -> bool:
        trace: Any = torch._guards.TracingContext.try_get()
        if trace is not None:
            from torch._dynamo.source import GlobalStateSource

            trace.guards_context.dynamo_guards.add(GlobalStateSource().make_guard(create))
        return condition()

    return assume_constant(asked)  # type: ignore[no-any-return]


def current_trace() -> dict[str, Any] | None:
    """What is remembered with the graph that is being traced."""
    trace: Any = torch._guards.TracingContext.try_get()
    return None if trace is None else trace.__dict__


def memory_budget() -> float:
    """The share of activations that compiled graphs may keep, in [0, 1]."""
    budget: float = config.activation_memory_budget
    return budget


def tracing_subgraph() -> bool:
    """Whether what is being traced is the body of an operator, such as a checkpointed function within a graph."""
    from torch._dynamo.symbolic_convert import InstructionTranslator

    try:
        tracer: Any = InstructionTranslator.current_tx().output.current_tracer
    except AttributeError:  # traced by something else than Dynamo, which has no bodies
        return False
    return getattr(tracer, "parent", None) is not None

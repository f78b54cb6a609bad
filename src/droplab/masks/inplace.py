"""What torch refuses to write in place is refused before anything is written."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from droplab.errors import InPlaceError
from droplab.masks.internals import base_of, made_as_a_view_that_must_stay

_SHARED = (
    "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
    "Please clone() the tensor before performing the operation."
)


def check_in_place(x: Tensor) -> None:
    """Raise where an operation in place would give wrong numbers or wrong gradients.

    Raises:
        InPlaceError: elements that share memory (``expand``, windows), a leaf that requires a gradient or a view of
            one, a view whose gradient autograd cannot route (made in ``no_grad``, one of many outputs, out of a custom
            function), a tensor of inference mode outside of it. It is a ``RuntimeError``, as torch's.

    >>> check_in_place(torch.ones(1, 4).expand(8, 4))
    Traceback (most recent call last):
    ...
    droplab.errors.InPlaceError: unsupported operation: more than one element of the written-to tensor refers to a \
single memory location. Please clone() the tensor before performing the operation.
    """
    if not x.is_contiguous() and _overlaps(x.shape, x.stride()):
        raise InPlaceError(_SHARED)
    if x.is_inference() and not torch.is_inference_mode_enabled():
        raise InPlaceError(
            "Inplace update to inference tensor outside InferenceMode is not allowed. Make a clone() of it, which is a "
            "normal tensor, before performing the operation."
        )
    if not (x.requires_grad and torch.is_grad_enabled()):
        return
    base = base_of(x)
    if base is not None and made_as_a_view_that_must_stay(x):
        raise InPlaceError(
            "a view is being modified in place whose gradient autograd cannot follow: it was made in no_grad mode, is "
            "one of several outputs (split, unbind), or comes out of a custom Function. Please clone() it, or call "
            "dropout without inplace."
        )
    if x.is_leaf:
        raise InPlaceError("a leaf Variable that requires grad is being used in an in-place operation.")
    if base is not None and base.is_leaf and base.requires_grad:
        raise InPlaceError("a view of a leaf Variable that requires grad is being used in an in-place operation.")


def written_in_graph(x: Tensor, result: Tensor) -> Tensor:
    """``x`` with the result written into it, in a graph: ``copy_`` refuses what torch refuses.

    Raises:
        ValueError: elements that share memory, or strides that interlock, which a graph cannot look into.
    """
    if not x.is_contiguous() and not _apart(x.shape, x.stride()):
        raise ValueError(_SHARED)  # as InPlaceError is, whose making Dynamo does not trace
    return x.copy_(result)


def _apart(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether each stride is longer than all that smaller ones reach; traced, so nothing is sorted."""
    steps = [(stride, size - 1) for size, stride in zip(shape, strides, strict=True) if size > 1]
    for place, (stride, _) in enumerate(steps):
        reached = 0
        for other, (shorter, count) in enumerate(steps):
            if shorter < stride or (shorter == stride and other < place):
                reached += shorter * count
        if stride <= reached:
            return False
    return True


def _overlaps(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether two elements share memory."""
    if 0 in shape or _apart(shape, strides):
        return False
    if any(stride == 0 and size > 1 for size, stride in zip(shape, strides, strict=True)):
        return True
    offsets = torch.zeros((), dtype=torch.int64, device="cpu")  # strides that interlock: rare, so it is looked at
    for size, stride in zip(shape, strides, strict=True):
        offsets = offsets[..., None] + torch.arange(size, device="cpu") * stride
    return len(set(offsets.flatten().tolist())) < offsets.numel()

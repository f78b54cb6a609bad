"""What is known of tensors, by the memory they lie in: it holds for views, and for what is done in place."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

T = TypeVar("T")


class Marks(Generic[T]):
    """Something about each of some tensors. Memory is not kept alive, nor mistaken for what lay there before.

    >>> import torch
    >>> marks = Marks[str]()
    >>> x = torch.zeros(2, 3)
    >>> marks[x] = "mine"
    >>> marks.get(x.view(6)), marks.get(x + 0)
    ('mine', None)
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, T]] = {}

    def __setitem__(self, x: Tensor, value: T) -> None:
        reference = reference_to(x)
        if reference is not None:
            self._known[reference.cdata] = (reference, value)

    def get(self, x: Tensor) -> T | None:
        """What is known of a tensor."""
        known = self._known.get(address(x)) if self._known else None
        return None if known is None else known[1]

    def forget(self, x: Tensor) -> None:
        """Nothing is known of a tensor any more."""
        self._known.pop(address(x), None)


def address(x: Tensor) -> int:
    """Where a tensor's memory is managed: the address that a weak reference to it has; -1 where it has none."""
    try:
        return int(x.untyped_storage()._cdata)  # noqa: SLF001  # what StorageWeakRef is made of
    except (NotImplementedError, RuntimeError):
        return -1


def reference_to(x: Tensor) -> Any:
    """A weak reference to a tensor's memory, which keeps its address from being used again; ``None`` where it has none.

    >>> import torch
    >>> x = torch.zeros(2)
    >>> reference_to(x).cdata == address(x)
    True
    """
    weak: Any = StorageWeakRef
    try:
        return weak(x.untyped_storage())
    except (NotImplementedError, RuntimeError):  # sparse, nested, opaque
        return None


def covers(x: Tensor) -> bool:
    """Whether a tensor fills the memory it lies in, so that what is said of the memory is said of it.

    >>> import torch
    >>> covers(torch.ones(4)), covers(torch.ones(4)[:2])
    (True, False)
    """
    try:
        return x.numel() * x.element_size() == x.untyped_storage().nbytes()
    except (NotImplementedError, RuntimeError):
        return False

"""Trees of tensors: one tensor, or tuples, lists and tables of trees, as models and data sets nest them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from droplab.errors import DataError, quote

Tree = Any
"""A ``Tensor``; or a tuple, list or mapping of trees."""


def leaves(tree: Tree, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors of a tree with where they are in it.

    >>> [path for path, _ in leaves({"ids": torch.zeros(2), "pair": (torch.ones(2), torch.ones(2))})]
    ['ids', 'pair.0', 'pair.1']
    """
    if isinstance(tree, Tensor):
        yield path, tree
        return
    inner = tree.items() if isinstance(tree, Mapping) else enumerate(tree)
    for name, branch in inner:
        yield from leaves(branch, f"{path}.{name}" if path else str(name))


def mapped(function: Callable[[Any], Any], tree: Tree) -> Tree:
    """The tree with the function's result in place of each leaf; whatever is no tuple, list or mapping is a leaf.

    >>> mapped(lambda x: x + 1, {"a": torch.zeros(2), "b": [torch.ones(1)]})
    {'a': tensor([1., 1.]), 'b': [tensor([2.])]}
    """
    if isinstance(tree, Mapping):
        return {key: mapped(function, branch) for key, branch in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(mapped(function, branch) for branch in tree))
    if isinstance(tree, tuple | list):
        return type(tree)(mapped(function, branch) for branch in tree)
    return function(tree)


def picked(tree: Tree, at: Any) -> Tree:
    """Those samples of a tree: each leaf indexed by ``at``, a number, a slice or a tensor of numbers.

    >>> picked({"a": torch.arange(3), "b": torch.arange(6).reshape(3, 2)}, slice(2, None))
    {'a': tensor([2]), 'b': tensor([[4, 5]])}
    """
    return mapped(lambda tensor: tensor[at], tree)


def to(tree: Tree, device: torch.device | str) -> Tree:
    """A tree on a device.

    >>> to({"a": torch.zeros(1)}, "cpu")
    {'a': tensor([0.])}
    """
    return mapped(lambda tensor: tensor.to(device), tree)


def length(where: str, tree: Tree) -> int:
    """Samples of a tree: the first dimension, the same in every leaf.

    Raises:
        DataError: no tensor, a number for all samples together, or leaves that disagree.

    >>> length("inputs", {"a": torch.zeros(3, 2), "b": torch.zeros(3)})
    3
    """
    found = {path: tensor.shape for path, tensor in leaves(tree)}
    if not found:
        raise DataError(f"{where} arrived without a tensor in it; wanted at least one, of shape (N, …)")
    scalar = next((path for path, shape in found.items() if not shape), None)
    if scalar is not None:
        raise DataError(f"{_at(where, scalar)} arrived as one number; wanted one row for each sample, shape (N, …)")
    (first, shape), *others = found.items()
    for path, other in others:
        if other[0] != shape[0]:
            raise DataError(
                f"{_at(where, first)} has {shape[0]:,} samples and {_at(where, path)} has {other[0]:,}; wanted the "
                "same number. Check that both come from the same rows."
            )
    return int(shape[0])


def _at(where: str, path: str) -> str:
    return f"{where} ({path})" if path else where


def to_tensors(where: str, tree: Tree) -> Tree:
    """A tree of tensors from one of tensors, arrays and numbers: floats become float32, integers stay integers.

    Whole numbers of any size become int64, so that embeddings and losses take them; ``uint8`` and ``bool`` stay.

    Raises:
        DataError: objects, texts, or numbers that are NaN or infinite.

    >>> to_tensors("inputs", {"ids": np.arange(3, dtype=np.int32), "x": [0.5, 1.5]})
    {'ids': tensor([0, 1, 2]), 'x': tensor([0.5000, 1.5000])}
    """
    if isinstance(tree, list) and tree and not _holds_arrays(tree):
        return _leaf(where, tree)
    if isinstance(tree, Mapping):
        return {key: to_tensors(f"{where}.{key}", branch) for key, branch in tree.items()}
    if isinstance(tree, tuple | list):
        found = (to_tensors(f"{where}.{place}", branch) for place, branch in enumerate(tree))
        return type(tree)(*found) if hasattr(tree, "_fields") else type(tree)(found)
    return _leaf(where, tree)


def _holds_arrays(values: list[Any]) -> bool:
    return any(isinstance(value, Tensor | np.ndarray | Mapping) for value in values)


def _leaf(where: str, value: Any) -> Tensor:
    if isinstance(value, Tensor):
        tensor = value.detach()
        if tensor.layout is not torch.strided or tensor.is_quantized:
            raise DataError(f"{where} arrived as a {tensor.layout} tensor; wanted a dense one: call .to_dense()")
    else:
        try:
            array = np.asarray(value)
        except ValueError as problem:
            raise DataError(
                f"{where} arrived as a {type(value).__name__} that is no regular array ({problem}); wanted samples "
                "that all have the same shape: pad or crop them"
            ) from problem
        if array.dtype.kind not in "biuf":
            raise DataError(
                f"{where} arrived as {array.dtype}, such as {quote(array.reshape(-1)[0] if array.size else array)}; "
                "wanted numbers. Number texts with np.unique(x, return_inverse=True), stack objects with np.stack."
            )
        if array.dtype.kind == "u" and array.dtype != np.uint8 and array.size and int(array.max()) >= 2**63:
            raise DataError(f"{where} hold {array.max()}, more than int64 can; wanted smaller whole numbers")
        keeps = array.dtype.kind == "b" or array.dtype == np.uint8
        wanted = array.dtype if keeps else np.dtype(np.float32 if array.dtype.kind == "f" else np.int64)
        with np.errstate(over="ignore"):
            tensor = torch.from_numpy(np.require(array, dtype=wanted, requirements=["C", "W"]))
    if tensor.dtype.is_floating_point:
        tensor = tensor.float()
        check_finite(where, tensor)
        return tensor
    if tensor.dtype.is_complex:
        raise DataError(f"{where} arrived as {tensor.dtype}; wanted real numbers: torch.view_as_real(x)")
    return tensor if tensor.dtype in {torch.uint8, torch.bool} else tensor.long()


def check_finite(where: str, tensor: Tensor) -> None:
    """Raise ``DataError`` where a number is NaN or infinite as float32.

    >>> check_finite("targets", torch.tensor([1.0, float("nan")]))
    Traceback (most recent call last):
    droplab.errors.DataError: targets hold 1 value that is NaN or infinite as float32, the first in sample 1; wanted \
finite numbers. Repair or drop those samples: keep = np.isfinite(x)
    """
    finite = tensor.isfinite()
    if bool(finite.all()):
        return
    rows = finite.reshape(len(tensor), -1).all(1) if tensor.ndim else finite.reshape(1)
    count = int((~finite).sum())
    raise DataError(
        f"{where} hold {count:,} value{'s that are' if count > 1 else ' that is'} NaN or infinite as float32, the "
        f"first in sample {int(rows.long().argmin())}; wanted finite numbers. Repair or drop those samples: "
        "keep = np.isfinite(x)"
    )

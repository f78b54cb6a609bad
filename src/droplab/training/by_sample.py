"""Ids and figures of samples as a loop gives them, as arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from torch import Tensor

from droplab.errors import UserError, quote
from droplab.folds import hashes

Numbers = np.ndarray[Any, Any]
Ids = list[str] | Numbers


def plain(value: Any) -> Any:
    """A number of NumPy's as one of Python's."""
    return value.item() if isinstance(value, np.generic) else value


def ids_of(ids: Any, call: str = "report_samples") -> Ids:
    """Ids as texts, or as whole numbers ``(N,)``; ``call`` is the method of a run that got them.

    Raises:
        UserError: they are neither.

    >>> ids_of(range(3)).tolist(), ids_of(("a", "b"))
    ([0, 1, 2], ['a', 'b'])
    >>> ids_of([0.5])
    Traceback (most recent call last):
    droplab.errors.UserError: run.report_samples got ids=[0.5]; whole numbers or texts, one for each sample, are wanted
    """
    given = ids.detach().cpu().numpy() if isinstance(ids, Tensor) else ids
    found = np.empty((), dtype=object)
    if isinstance(given, Sequence | np.ndarray) and not isinstance(given, str | bytes):
        if len(given) and all(isinstance(one, str) for one in given):
            return list(map(str, given))
        with suppress(ValueError):  # ragged
            found = np.asarray(given)
    whole = found.dtype.kind in "iu" and (found.dtype != np.uint64 or not (found >= 2**63).any())
    if found.ndim != 1 or (len(found) and not whole):
        raise UserError(f"run.{call} got ids={shown(ids)}; whole numbers or texts, one for each sample, are wanted")
    return found.astype(np.int64)


def check_kind(call: str, name: str, ids: Ids, before: Ids) -> None:
    """See that ids are texts where those before are.

    Raises:
        UserError: they are not.
    """
    if isinstance(ids, list) != isinstance(before, list):
        raise UserError(
            f"run.{call} got ids of {name} that are texts and ids that are whole numbers; one kind is wanted"
        )


def joined(call: str, name: str, parts: Sequence[Ids]) -> Ids:
    """All ids of an epoch.

    Raises:
        UserError: a sample came twice.

    >>> joined("report_samples", "val_loss", [np.arange(2), np.array([5])]).tolist()
    [0, 1, 5]
    """
    ids: Ids = [one for part in parts for one in part]
    if isinstance(parts[0], np.ndarray):
        ids = np.concatenate(parts)
    ordered = np.sort(hashes(ids))
    if bool((ordered[1:] == ordered[:-1]).any()):
        raise UserError(
            f"run.{call} got {name} of the sample {quote(_again(ids))} twice in one epoch; report each sample once. "
            "Ids are of the whole validation set, not of a batch"
        )
    return ids


def _again(ids: Ids) -> Any:
    seen: set[Any] = set()
    for one in map(plain, ids):
        if one in seen:
            return one
        seen.add(one)
    return None  # two texts with one hash


def in_order(ids: Ids) -> Numbers:
    """The places of ids, ``(N,)``, the smallest first.

    >>> in_order(["b", "a"]).tolist()
    [1, 0]
    """
    if isinstance(ids, np.ndarray):
        return np.argsort(ids, kind="stable")
    return np.array(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.int64)


def digest_of(ids: Ids) -> str:
    """Of a set of ids, whatever their order."""
    return hashlib.sha256(np.sort(hashes(ids)).tobytes()).hexdigest()[:16]


def values_of(name: str, values: Any) -> Numbers:
    """``(N,)`` numbers as float64.

    Raises:
        UserError: they are none, or hang on a graph.

    >>> values_of("val_loss", [0.5, 1])
    array([0.5, 1. ])
    """
    given = values
    if isinstance(values, Tensor):
        if values.requires_grad:
            raise UserError(
                f"run.report_samples got {name} as a tensor with a gradient, which would keep its whole graph alive; "
                f"give {name}.detach(), or compute it under torch.no_grad()"
            )
        given = (values.double() if values.is_floating_point() else values).cpu().numpy()
    found = np.empty((), dtype=object)
    with suppress(ValueError):  # ragged
        found = np.asarray(given)
    if found.ndim != 1 or found.dtype.kind not in "fiub":
        raise UserError(
            f"run.report_samples got {name}={shown(values)}; one number for each sample, (N,), is wanted, such "
            "as F.cross_entropy(out, y, reduction='none')"
        )
    return found.astype(np.float64)


def shown(value: Any) -> str:
    """For messages: an array by its type and shape."""
    if isinstance(value, Tensor | np.ndarray):
        return f"a {type(value).__name__} of {value.dtype} and shape {tuple(value.shape)}"
    return quote(value)

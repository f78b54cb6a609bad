"""Ids and figures of samples as a loop gives them, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from torch import Tensor

from droplab.errors import UserError, quote

Numbers = np.ndarray[Any, Any]
Ids = list[str] | Numbers


def plain(value: Any) -> Any:
    """A number of NumPy's as one of Python's."""
    return value.item() if isinstance(value, np.generic) else value


def ids_of(ids: Any) -> Ids:
    """Ids as texts, or as whole numbers ``(N,)``.

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
        raise UserError(
            f"run.report_samples got ids={_shown(ids)}; whole numbers or texts, one for each sample, are wanted"
        )
    return found.astype(np.int64)


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
            f"run.report_samples got {name}={_shown(values)}; one number for each sample, (N,), is wanted, such "
            "as F.cross_entropy(out, y, reduction='none')"
        )
    return found.astype(np.float64)


def _shown(value: Any) -> str:
    if isinstance(value, Tensor | np.ndarray):
        return f"a {type(value).__name__} of {value.dtype} and shape {tuple(value.shape)}"
    return quote(value)

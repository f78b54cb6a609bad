"""A figure as a loop gives it, as a number."""

from __future__ import annotations

import math
import operator
from typing import Any

from torch import Tensor

from droplab.errors import UserError, quote


def number(name: str, value: Any, call: str = "report") -> float:
    """A figure as a number; NaN is one, which the ledger keeps.

    Raises:
        UserError: it is none, or hangs on a graph.

    >>> number("val_loss", "0.5")
    Traceback (most recent call last):
    ...
    droplab.errors.UserError: run.report got val_loss='0.5', a str; a number or a tensor of one number is wanted
    """
    if isinstance(value, Tensor):
        if value.requires_grad:
            raise UserError(
                f"run.{call} got {name} as a tensor with a gradient, which would keep its whole graph alive; {call} "
                f"{name}.item(), or compute it under torch.no_grad()"
            )
        if value.ndim or value.is_complex():
            raise UserError(
                f"run.{call} got {name} as a {value.dtype} tensor of shape {tuple(value.shape)}; one number for all "
                "samples is wanted, such as its mean()"
            )
        return float(value)
    if isinstance(value, bool | str | bytes | complex) or not hasattr(value, "__float__"):
        raise UserError(
            f"run.{call} got {name}={quote(value)}, a {type(value).__name__}; a number or a tensor of one number is "
            "wanted"
        )
    try:
        return float(value)
    except (TypeError, ValueError) as problem:
        raise UserError(
            f"run.{call} got {name}={quote(value)}, a {type(value).__name__} ({problem}); one number is wanted"
        ) from None
    except OverflowError:
        return math.copysign(math.inf, operator.gt(value, 0) - 0.5)

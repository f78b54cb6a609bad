"""What every dropout function checks of its arguments."""

from __future__ import annotations

from torch import Tensor

from droplab.errors import UserError


def check_rate(p: float | Tensor) -> None:
    """Raise unless ``p`` is a number in [0, 1] or a 0-d floating point tensor (whose value is not looked at).

    >>> check_rate(1.5)
    Traceback (most recent call last):
    ...
    droplab.errors.UserError: dropout probability has to be between 0 and 1, but got 1.5
    """
    if isinstance(p, Tensor):
        if p.ndim or not p.is_floating_point():
            raise UserError(
                f"dropout probability got a {p.dtype} tensor of shape {tuple(p.shape)}; a float or a 0-d floating "
                "point tensor is wanted"
            )
    elif not 0.0 <= p <= 1.0:
        raise UserError(f"dropout probability has to be between 0 and 1, but got {p}")


def check_input(x: Tensor, name: str) -> None:
    """Raise unless the input's dtype can be scaled."""
    if not (x.is_floating_point() or x.is_complex()):
        raise UserError(
            f"{name} got an input of dtype {x.dtype}; what is kept is scaled by 1 / (1 - p), so a floating point "
            "tensor is wanted. Convert it first: input.float()"
        )

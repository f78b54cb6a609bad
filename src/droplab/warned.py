"""Python's warnings, told in another way than Python shows them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def told_by(tell: Callable[..., bool]) -> Iterator[None]:
    """Within it, each warning that would be shown is given to a function first; what it does not take is shown.

    Args:
        tell: called as ``warnings.showwarning`` is; whether it has told the warning.

    >>> heard = []
    >>> with warnings.catch_warnings(), told_by(lambda message, *about: heard.append(str(message)) is None):
    ...     warnings.simplefilter("always")
    ...     warnings.warn("it rains", stacklevel=1)
    >>> heard
    ['it rains']
    """
    others = warnings.showwarning

    def show(*about: Any, **more: Any) -> None:
        if not tell(*about, **more):
            others(*about, **more)

    warnings.showwarning = show
    try:
        yield
    finally:
        if warnings.showwarning is show:
            warnings.showwarning = others

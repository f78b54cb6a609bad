"""The door: one arm with one seed as any training loop sees it, and the house's own loop. Torch loads on first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from droplab.training.run import Loop, Run

_WITH_TORCH = {"Loop": "run", "Run": "run"}

__all__ = ["Loop", "Run"]


def __getattr__(name: str) -> Any:
    if name in _WITH_TORCH:
        return getattr(import_module(f"droplab.training.{_WITH_TORCH[name]}"), name)
    raise AttributeError(f"module 'droplab.training' has no attribute {name!r}")

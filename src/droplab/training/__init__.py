"""The door: one arm with one seed as any training loop sees it, and experiments on loops of the user's own."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from droplab.training.spec import LoopSpec

if TYPE_CHECKING:
    from droplab.training.engine import run_loop
    from droplab.training.run import Loop, Run

_WITH_TORCH = {"Loop": "run", "Run": "run", "run_loop": "engine"}

__all__ = ["Loop", "LoopSpec", "Run", "run_loop"]


def __getattr__(name: str) -> Any:
    if name in _WITH_TORCH:
        return getattr(import_module(f"droplab.training.{_WITH_TORCH[name]}"), name)
    raise AttributeError(f"module 'droplab.training' has no attribute {name!r}")

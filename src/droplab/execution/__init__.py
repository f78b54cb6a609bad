"""How a set of runs is carried out: engine, executors, folder, checkpoints, and what is done afterwards."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from droplab.execution.engine import Finished, run_experiment
    from droplab.execution.final import FinalEvaluation, StoredRun, final_evaluation

_WITH_TORCH = {
    "FinalEvaluation": "final",
    "Finished": "engine",
    "StoredRun": "final",
    "final_evaluation": "final",
    "run_experiment": "engine",
}

__all__ = ["FinalEvaluation", "Finished", "StoredRun", "final_evaluation", "run_experiment"]


def __getattr__(name: str) -> Any:
    if name in _WITH_TORCH:
        return getattr(import_module(f"droplab.execution.{_WITH_TORCH[name]}"), name)
    raise AttributeError(f"module 'droplab.execution' has no attribute {name!r}")

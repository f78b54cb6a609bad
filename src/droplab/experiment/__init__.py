"""The experiment: spec, training, executors. What needs torch loads on first use: a spec is checked without it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from droplab.experiment.spec import (
    ArmSpec,
    ComputeSpec,
    DataSpec,
    ExperimentSpec,
    ModelSpec,
    RecipeSpec,
)
from droplab.experiment.specfile import parse_spec, read_spec
from droplab.listener import Listener

if TYPE_CHECKING:
    from droplab.experiment.engine import Finished, run_experiment
    from droplab.experiment.final import FinalEvaluation, StoredRun, final_evaluation

_WITH_TORCH = {
    "FinalEvaluation": "final",
    "Finished": "engine",
    "StoredRun": "final",
    "final_evaluation": "final",
    "run_experiment": "engine",
}

__all__ = [
    "ArmSpec",
    "ComputeSpec",
    "DataSpec",
    "ExperimentSpec",
    "FinalEvaluation",
    "Finished",
    "Listener",
    "ModelSpec",
    "RecipeSpec",
    "StoredRun",
    "final_evaluation",
    "parse_spec",
    "read_spec",
    "run_experiment",
]


def __getattr__(name: str) -> Any:
    if name in _WITH_TORCH:
        return getattr(import_module(f"droplab.experiment.{_WITH_TORCH[name]}"), name)
    raise AttributeError(f"module 'droplab.experiment' has no attribute {name!r}")

"""The experiment: spec, training, executors."""

from droplab.experiment.engine import Finished, run_experiment
from droplab.experiment.final import FinalEvaluation, StoredRun, final_evaluation
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

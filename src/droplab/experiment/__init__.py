"""The experiment: spec, training, executors, ledger."""

from droplab.experiment.engine import Finished, read_experiment, run_experiment
from droplab.experiment.final import FinalEvaluation, StoredRun, final_evaluation
from droplab.experiment.ledger import Ledger
from droplab.experiment.listener import Listener
from droplab.experiment.spec import (
    ArmSpec,
    ComputeSpec,
    DataSpec,
    ExperimentSpec,
    ModelSpec,
    RecipeSpec,
)
from droplab.experiment.specfile import parse_spec, read_spec

__all__ = [
    "ArmSpec",
    "ComputeSpec",
    "DataSpec",
    "ExperimentSpec",
    "FinalEvaluation",
    "Finished",
    "Ledger",
    "Listener",
    "ModelSpec",
    "RecipeSpec",
    "StoredRun",
    "final_evaluation",
    "parse_spec",
    "read_experiment",
    "read_spec",
    "run_experiment",
]

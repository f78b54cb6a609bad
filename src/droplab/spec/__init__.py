"""What is asked: arms, seeds, data, model, recipe, loop, as tables or TOML, checked by itself. It loads no torch."""

from droplab.spec.arm import ArmSpec
from droplab.spec.experiment import ExperimentSpec
from droplab.spec.loop import LoopSpec
from droplab.spec.specfile import parse_spec, read_spec
from droplab.spec.tables import ComputeSpec, DataSpec, ModelSpec, RecipeSpec

__all__ = [
    "ArmSpec",
    "ComputeSpec",
    "DataSpec",
    "ExperimentSpec",
    "LoopSpec",
    "ModelSpec",
    "RecipeSpec",
    "parse_spec",
    "read_spec",
]

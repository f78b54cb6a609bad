"""droplab: does dropout help this model, where, which kind, how much, and what does it cost?

>>> import droplab
>>> droplab.ExperimentSpec().baseline_arm
'no dropout'

Names load what they need on first use; ``import droplab`` alone does not load torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from droplab._version import __version__

if TYPE_CHECKING:
    from droplab.analysis import Effect, Verdict, judge
    from droplab.comparison import Results, compare
    from droplab.data import Part, Split
    from droplab.errors import DroplabError, FailureError, UserError
    from droplab.experiment import (
        ArmSpec,
        ComputeSpec,
        DataSpec,
        ExperimentSpec,
        FinalEvaluation,
        Listener,
        ModelSpec,
        RecipeSpec,
        StoredRun,
        final_evaluation,
    )
    from droplab.functional import Key
    from droplab.kernels import backend
    from droplab.layers.keyed import keyed
    from droplab.models import SrivastavaMLP, TutorialCNN
    from droplab.surgery.rates import apply_rates, rates
    from droplab.surgery.replace import replace
    from droplab.surgery.sites import sites

_HOMES = {
    "ArmSpec": "experiment",
    "ComputeSpec": "experiment",
    "DataSpec": "experiment",
    "DroplabError": "errors",
    "Effect": "analysis",
    "ExperimentSpec": "experiment",
    "FailureError": "errors",
    "FinalEvaluation": "experiment",
    "Key": "functional",
    "Listener": "experiment",
    "ModelSpec": "experiment",
    "Part": "data",
    "RecipeSpec": "experiment",
    "Results": "comparison",
    "Split": "data",
    "SrivastavaMLP": "models",
    "StoredRun": "experiment",
    "TutorialCNN": "models",
    "UserError": "errors",
    "Verdict": "analysis",
    "apply_rates": "surgery",
    "backend": "kernels",
    "compare": "comparison",
    "final_evaluation": "experiment",
    "judge": "analysis",
    "keyed": "nn",
    "rates": "surgery",
    "replace": "surgery",
    "sites": "surgery",
}

__all__ = [
    "ArmSpec",
    "ComputeSpec",
    "DataSpec",
    "DroplabError",
    "Effect",
    "ExperimentSpec",
    "FailureError",
    "FinalEvaluation",
    "Key",
    "Listener",
    "ModelSpec",
    "Part",
    "RecipeSpec",
    "Results",
    "Split",
    "SrivastavaMLP",
    "StoredRun",
    "TutorialCNN",
    "UserError",
    "Verdict",
    "__version__",
    "apply_rates",
    "backend",
    "compare",
    "final_evaluation",
    "judge",
    "keyed",
    "rates",
    "replace",
    "sites",
]


_ROOMS = ("functional", "nn")


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"droplab.{name}")
    if name in _HOMES:
        return getattr(import_module(f"droplab.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'droplab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

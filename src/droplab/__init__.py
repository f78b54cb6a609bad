"""droplab: does dropout help this model, where, which kind, how much, and what does it cost?

>>> import droplab
>>> droplab.ExperimentSpec().baseline_arm
'no dropout'

Names load what they need on first use; ``import droplab`` alone does not load torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from droplab._version import __version__ as __version__

if TYPE_CHECKING:  # for checkers, which read no other form; a test holds it to the table below
    from droplab.adapters import run as run
    from droplab.analysis import Effect as Effect
    from droplab.analysis import Verdict as Verdict
    from droplab.auditing import audit as audit
    from droplab.comparison import compare as compare
    from droplab.data import Part as Part
    from droplab.data import Split as Split
    from droplab.errors import DroplabError as DroplabError
    from droplab.errors import FailureError as FailureError
    from droplab.errors import UserError as UserError
    from droplab.execution import FinalEvaluation as FinalEvaluation
    from droplab.execution import StoredRun as StoredRun
    from droplab.execution import final_evaluation as final_evaluation
    from droplab.functional import Key as Key
    from droplab.judging import Judged as Judged
    from droplab.judging import judge as judge
    from droplab.kernels import backend as backend
    from droplab.listener import Listener as Listener
    from droplab.models import SrivastavaMLP as SrivastavaMLP
    from droplab.models import TutorialCNN as TutorialCNN
    from droplab.nn import keyed as keyed
    from droplab.notebook import study as study
    from droplab.records import Measure as Measure
    from droplab.results import Results as Results
    from droplab.spec import ArmSpec as ArmSpec
    from droplab.spec import ComputeSpec as ComputeSpec
    from droplab.spec import DataSpec as DataSpec
    from droplab.spec import ExperimentSpec as ExperimentSpec
    from droplab.spec import LoopSpec as LoopSpec
    from droplab.spec import ModelSpec as ModelSpec
    from droplab.spec import RecipeSpec as RecipeSpec
    from droplab.surgery.insert import insert as insert
    from droplab.surgery.insert import remove as remove
    from droplab.surgery.insert import set_p as set_p
    from droplab.surgery.rates import apply_rates as apply_rates
    from droplab.surgery.rates import rates as rates
    from droplab.surgery.replace import replace as replace
    from droplab.surgery.sites import sites as sites
    from droplab.training import Run as Run

_HOMES = {
    name: room
    for room, names in {
        "adapters": ("run",),
        "analysis": ("Effect", "Verdict"),
        "auditing": ("audit",),
        "comparison": ("compare",),
        "data": ("Part", "Split"),
        "errors": ("DroplabError", "FailureError", "UserError"),
        "execution": ("FinalEvaluation", "StoredRun", "final_evaluation"),
        "functional": ("Key",),
        "judging": ("Judged", "judge"),
        "kernels": ("backend",),
        "listener": ("Listener",),
        "models": ("SrivastavaMLP", "TutorialCNN"),
        "nn": ("keyed",),
        "notebook": ("study",),
        "records": ("Measure",),
        "results": ("Results",),
        "spec": ("ArmSpec", "ComputeSpec", "DataSpec", "ExperimentSpec", "LoopSpec", "ModelSpec", "RecipeSpec"),
        "surgery": ("apply_rates", "insert", "rates", "remove", "replace", "set_p", "sites"),
        "training": ("Run",),
    }.items()
    for name in names
}
_ROOMS = ("functional", "nn", "tasks")

__all__ = sorted([*_HOMES, "__version__"])  # noqa: PLE0605  # a list it is


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"droplab.{name}")
    if name in _HOMES:
        return getattr(import_module(f"droplab.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'droplab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

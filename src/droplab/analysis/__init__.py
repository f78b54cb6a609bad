"""From a ledger's record to numbers and a verdict; no torch, no files."""

from droplab.analysis.answer import Answer, Failures
from droplab.analysis.describe import ArmSummary, Spread
from droplab.analysis.effect import Consequence, Effect, Unit
from droplab.analysis.looks import Plan
from droplab.analysis.paired import MOST_SEEDS, NO_NUMBER
from droplab.analysis.pilot import Pilot, pilot
from droplab.analysis.planned import plan_of, written
from droplab.analysis.questions import Endpoint, Questions, questions
from droplab.analysis.recommend import by_weight
from droplab.analysis.scope import Scope, scope_of
from droplab.analysis.second import Primary
from droplab.analysis.stopping import Figures, Stopping, stopping, thin
from droplab.analysis.until import Next, next_seeds, spared, wanted
from droplab.analysis.verdict import ALPHA, Verdict, judge

__all__ = [
    "ALPHA",
    "MOST_SEEDS",
    "NO_NUMBER",
    "Answer",
    "ArmSummary",
    "Consequence",
    "Effect",
    "Endpoint",
    "Failures",
    "Figures",
    "Next",
    "Pilot",
    "Plan",
    "Primary",
    "Questions",
    "Scope",
    "Spread",
    "Stopping",
    "Unit",
    "Verdict",
    "by_weight",
    "judge",
    "next_seeds",
    "pilot",
    "plan_of",
    "questions",
    "scope_of",
    "spared",
    "stopping",
    "thin",
    "wanted",
    "written",
]

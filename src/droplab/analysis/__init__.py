"""From a ledger's record to numbers and a verdict; no torch, no files."""

from droplab.analysis.describe import ArmSummary, Spread
from droplab.analysis.effect import Consequence, Effect, Unit
from droplab.analysis.paired import MOST_SEEDS
from droplab.analysis.questions import Endpoint, Questions, questions
from droplab.analysis.recommend import by_weight
from droplab.analysis.verdict import ALPHA, Verdict, judge

__all__ = [
    "ALPHA",
    "MOST_SEEDS",
    "ArmSummary",
    "Consequence",
    "Effect",
    "Endpoint",
    "Questions",
    "Spread",
    "Unit",
    "Verdict",
    "by_weight",
    "judge",
    "questions",
]

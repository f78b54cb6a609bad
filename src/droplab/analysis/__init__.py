"""From a ledger's record to numbers and a verdict; no torch, no files."""

from droplab.analysis.describe import ArmSummary, Spread
from droplab.analysis.effect import JUDGED, Consequence, Effect
from droplab.analysis.endpoints import ENDPOINTS, OVERFITS, Endpoint
from droplab.analysis.paired import MOST_SEEDS
from droplab.analysis.verdict import ALPHA, Verdict, judge

__all__ = [
    "ALPHA",
    "ENDPOINTS",
    "JUDGED",
    "MOST_SEEDS",
    "OVERFITS",
    "ArmSummary",
    "Consequence",
    "Effect",
    "Endpoint",
    "Spread",
    "Verdict",
    "judge",
]

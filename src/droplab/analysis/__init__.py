"""From a ledger's record to numbers and a verdict; no torch, no files."""

from droplab.analysis.describe import ArmSummary, Spread
from droplab.analysis.endpoints import ENDPOINTS, OVERFITS, Endpoint
from droplab.analysis.paired import MOST_SEEDS
from droplab.analysis.verdict import ALPHA, Effect, Verdict, judge

__all__ = [
    "ALPHA",
    "ENDPOINTS",
    "MOST_SEEDS",
    "OVERFITS",
    "ArmSummary",
    "Effect",
    "Endpoint",
    "Spread",
    "Verdict",
    "judge",
]

"""What of the verdict stands in the summary of a run elsewhere: words and numbers that no language changes."""

from __future__ import annotations

import math
from typing import Any

from droplab.analysis import Verdict
from droplab.records import ExperimentRecord

_SAYS = {"supported": "better", "contradicted": "worse", "equal": "equal", "undecided": "undecided"}


def summaries(verdict: Verdict, record: ExperimentRecord) -> dict[str, dict[str, Any]]:
    """By arm what it is found to be, the arm to use, and the numbers of the question that is decided on.

    ``verdict`` is ``baseline``, ``better``, ``worse``, ``equal`` or ``undecided``; ``recommended`` is an arm;
    ``endpoint``, ``difference``, ``low`` and ``high`` are there where they are known.

    Args:
        verdict: what the statistics allow.
        record: the experiment it was drawn from.
    """
    found: dict[str, dict[str, Any]] = {arm: {"verdict": "undecided"} for arm in record.arms}
    main = verdict.primary
    if main is not None:
        for one in main.answers:
            found[one.arm] = _of(one.says, main.end.name, one.mean, one.low, one.high)
    else:
        for effect in reversed([effect for effect in verdict.effects if effect.role == "val"]):
            found[effect.arm] = _of(
                _SAYS[effect.status], effect.endpoint, effect.mean, effect.adjusted_low, effect.adjusted_high
            )
    found[record.baseline] = {"verdict": "baseline"}
    return {arm: {**values, "recommended": verdict.recommended} for arm, values in found.items()}


def _of(says: str, endpoint: str, mean: float, low: float, high: float) -> dict[str, Any]:
    numbers = {"difference": mean, "low": low, "high": high}
    return {
        "verdict": says,
        "endpoint": endpoint,
        **{name: value for name, value in numbers.items() if math.isfinite(value)},
    }

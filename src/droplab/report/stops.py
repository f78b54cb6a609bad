"""What the page shows for each epoch at which training might have ended: figures only, looked up and never computed."""

from __future__ import annotations

import base64
import math
from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np

from droplab.analysis import Effect, Stopping, Verdict
from droplab.analysis.means import mean_of
from droplab.records import ExperimentRecord, RunKey
from droplab.report.locale import Speaker
from droplab.report.naming import line

SIGNS = {
    "better": "b",
    "worse": "w",
    "equal": "e",
    "cost": "c",
    "neutral": "n",
    "open": "o",
    "identical": "i",
}
"""One letter for each meaning, so that one text holds those of all epochs."""
_OWN = {"deployed", "turn"}
"""Roles whose numbers are no metric that a run has reported."""


def stops(record: ExperimentRecord, verdict: Verdict, found: Stopping) -> dict[str, Any]:
    """All figures, as base64 of little-endian float32: before, after, mean, low and high, one after the other."""
    return {
        "epochs": list(found.epochs),
        "lines": [
            {
                "endpoint": end.name,
                "role": end.role,
                "kind": kind_of(verdict) if end.role == "deployed" else "",
                "metric": "gap" if end.role == "gap" else end.metric,
                "unit": "epochs" if end.role == "turn" else end.measure.unit,
                "claim": end.claim,
                "better": -1 if end.role in {"gap", "turn", "rise"} else end.measure.sign,
            }
            for end in found.ends
        ],
        "figures": [
            {
                "endpoint": one.endpoint,
                "arm": one.arm,
                "seeds": list(one.seeds),
                "numbers": _packed(np.concatenate([one.before, one.after, one.mean, one.low, one.high])),
                "says": "".join(SIGNS[means] for means in one.means),
            }
            for one in found.figures
        ],
        "runs": {
            end.name: _packed(np.concatenate(_rows(record, found, end.name)))
            for end in found.ends
            if end.role in _OWN and record.runs
        },
    }


def _rows(record: ExperimentRecord, found: Stopping, endpoint: str) -> list[Any]:
    nothing = np.full(len(found.epochs), math.nan)
    return [found.runs[endpoint].get(key, nothing) for key in record.runs]


def _packed(numbers: Iterable[float]) -> str:
    with np.errstate(over="ignore"):
        return base64.b64encode(array("f", np.asarray(numbers, dtype="<f4").tolist()).tobytes()).decode()


def before_and_after(effect: Effect, found: Stopping) -> tuple[float, float]:
    """Means of baseline and arm over the seeds of an effect, at the last epoch."""
    if not effect.seeds:
        return math.nan, math.nan
    if effect.role == "rise":
        one = next(figures for figures in found.figures if figures.endpoint == effect.endpoint)
        return float(one.before[-1]), float(one.after[-1])
    runs = found.runs[effect.endpoint]
    sides = [[float(runs[RunKey(arm, seed)][-1]) for seed in effect.seeds] for arm in (effect.baseline, effect.arm)]
    before, after = (mean_of(side) for side in sides)
    return before, after


def kind_of(verdict: Verdict) -> str:
    """What the primary question, or the description of early stopping, is asked of."""
    return verdict.primary.answers[0].kind if verdict.primary is not None else "best"


def line_names(verdict: Verdict, found: Stopping, lang: str) -> dict[str, str]:
    """``line.ENDPOINT`` in words."""
    say = Speaker(lang)
    return {f"line.{end.name}": line(say, end, kind_of(verdict), end.measure) for end in found.ends}

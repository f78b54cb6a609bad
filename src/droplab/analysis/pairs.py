"""An arm's pairs for the primary question, as far as the last finished look; and its runs that failed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from droplab.analysis.answer import Failures
from droplab.analysis.looks import Plan
from droplab.analysis.scope import scope_of
from droplab.analysis.shares import exact_share
from droplab.records import ExperimentRecord, RunKey


@dataclass(frozen=True)
class Pairs:
    """Differences of arm and baseline, one per seed that both have finished."""

    seeds: tuple[int, ...]
    values: tuple[float, ...]
    look: int
    """Planned pairs of the last finished look; 0 before the first."""
    next_look: int | None
    """Planned pairs of the one after it."""
    ratio: float
    """n2/n1 where seeds draw their splits (``scope.py``)."""
    pairing: float
    """Var(difference) / (Var(arm) + Var(baseline)); NaN where nothing varies."""


def pairs(record: ExperimentRecord, values: Mapping[RunKey, float], plan: Plan, arm: str) -> Pairs:
    """The pairs that count: those of a look whose planned runs have all ended, whatever else is there already.

    Seeds beyond the plan count where all of them have ended.

    Args:
        record: the experiment.
        values: its finished runs' numbers; NaN where one has none.
        plan: its looks.
        arm: which is compared with the baseline.
    """
    whole = 0
    for seed in record.seeds:
        if not (ended(record, arm, seed) and ended(record, record.baseline, seed)):
            break
        whole += 1
    looks = (*plan.looks, *([len(record.seeds)] if len(record.seeds) > plan.looks[-1] else []))
    look = max((look for look in looks if look <= whole), default=0)
    found = []
    for seed in record.seeds[:look]:
        ours, base = (values.get(RunKey(name, seed), math.nan) for name in (arm, record.baseline))
        if not (math.isnan(ours) or math.isnan(base)):
            found.append((seed, ours, base))
    apart = tuple(ours - base for _, ours, base in found)
    return Pairs(
        tuple(seed for seed, _, _ in found),
        apart,
        look,
        next((one for one in looks if one > look), None),
        scope_of(record).ratio,
        _pairing(apart, [ours for _, ours, _ in found], [base for _, _, base in found]),
    )


def ended(record: ExperimentRecord, arm: str, seed: int) -> bool:
    """Whether a run is finished, or has failed for a reason that would come again."""
    run = record.runs.get(RunKey(arm, seed))
    return run is not None and (run.state == "done" or (run.state == "failed" and not run.retry))


def failures(record: ExperimentRecord, arm: str) -> Failures:
    """Runs of an arm that failed for good, of those that have ended."""
    over = [record.runs[RunKey(arm, seed)] for seed in record.seeds if ended(record, arm, seed)]
    count = sum(run.state == "failed" for run in over)
    return Failures(count, len(over), *exact_share(count, len(over)))


def _pairing(values: tuple[float, ...], ours: list[float], base: list[float]) -> float:
    if len(values) < 2 or not all(map(math.isfinite, (*ours, *base))):
        return math.nan
    try:
        apart = _squares(ours) + _squares(base)
        return _squares(values) / apart if apart else math.nan
    except OverflowError:  # of numbers whose squares no float holds
        return math.nan


def _squares(values: Sequence[float]) -> float:
    mean = fmean(values)
    return math.fsum((value - mean) ** 2 for value in values)

"""What a few runs of the baseline tell of the experiment to come: its noise, what it can show, and what that takes."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np

from droplab.analysis import chi
from droplab.analysis.deployed import Kind, endpoint, kind_of
from droplab.analysis.endpoints import one_sample
from droplab.analysis.looks import Plan
from droplab.analysis.paired import MOST_SEEDS, POWER
from droplab.analysis.questions import questions
from droplab.analysis.scope import scope_of, weakest
from droplab.analysis.student import quantile
from droplab.errors import UserError
from droplab.records import LOOKS, ExperimentRecord, Measure

SEEDS = (3, 5, 8, 12, 20, 50)
"""Fixed designs that are told of."""
_PATHS = 20_000


@dataclass(frozen=True)
class Design:
    """What so many seeds can show of one of the arms."""

    seeds: int
    effect: float
    """The smallest true difference that would be found with probability ``POWER``."""
    runs: int
    """Of all arms, the baseline among them."""
    seconds: float
    """Of training, one run after another; NaN where runs did not tell theirs."""


@dataclass(frozen=True)
class Expected:
    """Seeds until decided, for a true difference."""

    effect: float
    seeds: float
    """Their mean number."""
    decided: float
    """The share of experiments that are decided by the last look."""


@dataclass(frozen=True)
class Pilot:
    """Noise of the baseline and what follows from it, if other arms are as noisy and pairing by seed gains nothing."""

    measure: Measure
    kind: Kind
    runs: int
    mean: float
    sd: float
    sd_low: float
    """Exact 95 % interval under normal noise: a few runs tell little of their own spread."""
    sd_high: float
    seconds: float
    """Mean training time of a run, of the arm that takes longest."""
    arms: int
    """Those that are to be compared with the baseline."""
    designs: tuple[Design, ...]
    looks: tuple[int, ...]
    expected: tuple[Expected, ...]
    for_margin: int | None
    """Seeds at which arms that do not differ would probably be called practically equal; 201 means more than 200."""
    floor: float
    """What no number of seeds goes below: 95 % half width of the baseline's own value for new data, as far as the folds
    of its validation samples tell; NaN without folds."""
    least: float
    """Where seeds draw their splits: the difference below which no number of seeds finds any; 0 of one split."""


def pilot(record: ExperimentRecord, arms: int = 1, plan: Plan | None = None) -> Pilot:
    """Noise floor, smallest effects and time from finished runs of the baseline.

    Args:
        record: an experiment with at least two finished runs of its baseline, of different seeds.
        arms: how many are to be compared with the baseline; Holm's first step is what they are held to.
        plan: looks and margin; the usual looks where absent.

    Raises:
        UserError: fewer than two runs, runs that do not differ, or no arm.
    """
    asked, plan = questions(record), plan or Plan(LOOKS)
    done = record.complete(record.baseline)
    kind = kind_of(done, asked.turn)
    values = [endpoint(run, asked.turn, asked.primary, kind).value for run in done if asked.turn]
    values = [value for value in values if math.isfinite(value)]
    if len(values) < 2:
        raise UserError(
            f"a pilot is two finished runs of the baseline {record.baseline!r} at least, better three, of different "
            f"seeds; {record.name} has {len(values)}"
        )
    if arms < 1:
        raise UserError(f"an experiment compares one arm with the baseline at least; got {arms}")
    n, sd = len(values), max(stdev(values), one_sample(record, asked.primary, "val"))
    if not sd:
        raise UserError(
            f"all finished runs of the baseline {record.baseline!r} gave {values[0]:g}: a pilot is of runs that differ "
            "by their seeds, which seem to change nothing here; see that they reach weights and data order"
        )
    each = _dearest(record)
    apart, ratio = math.sqrt(2) * sd, scope_of(record).ratio
    return Pilot(
        measure=asked.primary,
        kind=kind,
        runs=n,
        mean=fmean(values),
        sd=sd,
        sd_low=sd * math.sqrt((n - 1) / chi.quantile(0.975, n - 1)),
        sd_high=sd * math.sqrt((n - 1) / chi.quantile(0.025, n - 1)),
        seconds=each,
        arms=arms,
        designs=tuple(
            Design(k, apart * _width(k, plan.alpha / arms, ratio), k * (arms + 1), k * (arms + 1) * each) for k in SEEDS
        ),
        looks=plan.looks,
        expected=tuple(expected(plan, d, d * apart, 1 / arms, ratio) for d in (1.0, 2.0)),
        for_margin=_for_margin(apart, plan, arms, ratio),
        floor=_floor(record, asked.turn) if kind == "deployed" and not ratio else math.nan,
        least=apart * weakest(ratio, plan.alpha / arms),
    )


def _dearest(record: ExperimentRecord) -> float:
    """Mean seconds of a run, of the arm that takes longest: an arm may change the recipe. NaN where none told any."""
    runs = [[run for run in record.complete(arm) if run.metrics.get("seconds")] for arm in record.arms]
    return max((fmean(sum(run.metrics["seconds"]) for run in found) for found in runs if found), default=math.nan)


def _width(seeds: int, level: float, ratio: float, power: float = POWER) -> float:
    """In standard deviations of the differences."""
    width = (quantile(1 - level / 2, seeds - 1) + quantile(power, seeds - 1)) / math.sqrt(seeds)
    return width * math.sqrt(1 + seeds * ratio) if ratio else width


def _for_margin(apart: float, plan: Plan, arms: int, ratio: float) -> int | None:
    if plan.margin is None:
        return None
    margin = plan.margin

    def enough(n: int) -> bool:  # both bounds have to hold: each with half of what may go wrong
        return apart * _width(n, plan.alpha / arms, ratio, (1 + POWER) / 2) <= margin

    return 2 + bisect_left(range(2, MOST_SEEDS + 1), True, key=enough)


def expected(plan: Plan, d: float, effect: float, share: float, ratio: float = 0.0) -> Expected:
    """Seeds until one arm is decided whose differences have a mean of ``d`` standard deviations, by simulation.

    Where seeds draw their splits, ``ratio`` is the variance of what all splits have in common (``scope.py``).

    >>> found = expected(Plan(LOOKS), 2.0, 0.1, 1.0)
    >>> round(found.seeds, 1), round(found.decided, 2)
    (6.1, 1.0)
    """
    at = np.array(plan.looks)
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((_PATHS, at[-1])) + d
    if ratio:
        drawn += math.sqrt(ratio) * rng.standard_normal((_PATHS, 1))
    mean, squares = drawn.cumsum(1)[:, at - 1] / at, (drawn * drawn).cumsum(1)[:, at - 1]
    error = np.sqrt(np.maximum(squares - at * mean**2, 0) / (at - 1) / at)
    limits = np.array([quantile(1 - plan.level(int(look), share) / 2, int(look) - 1) for look in at])
    if ratio:
        error = error * np.sqrt(1 + at * ratio)
    crossed = np.abs(mean) > limits * error
    used = np.where(crossed.any(1), at[crossed.argmax(1)], at[-1])
    return Expected(effect, float(used.mean()), float(crossed.any(1).mean()))


def _floor(record: ExperimentRecord, figure: str) -> float:
    """From the spread of the folds' values at each run's last epoch."""
    errors = []
    for run in record.complete(record.baseline):
        pairs = next((pairs for pairs in reversed(run.folds.get(figure, ())) if pairs), ())
        values = [total / count for total, count in pairs if count]
        if len(values) > 2 and all(map(math.isfinite, values)):
            errors.append(quantile(0.975, len(values) - 1) * stdev(values) / math.sqrt(len(values)))
    return fmean(errors) if errors else math.nan

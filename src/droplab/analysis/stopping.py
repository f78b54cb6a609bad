"""Had training ended earlier: every question's figures, epoch by epoch. They describe; nothing is tested.

Each question is asked again of runs that are cut off after an epoch, with the plain 95 % interval of the mean over
seeds. At the last epoch these are the figures of the verdict; before it they were never planned, and whoever looks for
the epoch that suits an arm best will find one, so what is read from them is called descriptive.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from droplab.analysis.deployed import Floats, best_so_far, deployed_so_far
from droplab.analysis.effect import Consequence, Status, meaning
from droplab.analysis.endpoints import one_sample
from droplab.analysis.questions import Endpoint
from droplab.analysis.scope import scope_of
from droplab.analysis.student import quantile
from droplab.analysis.verdict import Verdict
from droplab.folds import OTHERS
from droplab.records import ExperimentRecord, RunKey, RunRecord

MOST_EPOCHS = 200
"""Longer trainings are looked at on a grid of that many epochs, the first and the last among them."""
_ORDER = ("val", "turn", "fit", "gap")
"""Gains before their price."""


class Figures(NamedTuple):
    """One question of one arm; each array has one number per epoch of the grid, NaN where there is none."""

    endpoint: str
    arm: str
    seeds: tuple[int, ...]
    before: Floats
    """Mean of the baseline over these seeds; of the baseline's own question, what its runs rise from."""
    after: Floats
    mean: Floats
    """Of the differences."""
    low: Floats
    high: Floats
    means: tuple[Consequence, ...]
    """What the plain interval would mean, had nothing else been asked."""


@dataclass(frozen=True)
class Stopping:
    """All questions, had training ended at an epoch of the grid."""

    epochs: tuple[int, ...]
    """Counted from 1."""
    ends: tuple[Endpoint, ...]
    """What is asked, in reading order; the primary question first."""
    runs: Mapping[str, Mapping[RunKey, Floats]]
    """By endpoint: the number of each finished run, ``(grid,)``."""
    figures: tuple[Figures, ...]


def stopping(record: ExperimentRecord, verdict: Verdict, most: int = MOST_EPOCHS) -> Stopping:
    """Ask everything again of runs that are cut off after each epoch of a grid.

    Args:
        record: the experiment; its finished runs count.
        verdict: what was said of it, which knows the questions.
        most: epochs of the grid.
    """
    asked = verdict.questions
    done = {key: run for key, run in record.runs.items() if run.state == "done"}
    longest = max((run.epochs_done for run in done.values()), default=0)
    epochs = tuple(place + 1 for place in thin(range(longest), most))
    main = verdict.primary
    early = [main.end] if main is not None else []
    kind = main.answers[0].kind if main is not None else "best"
    if not early and asked.turn:
        early = [Endpoint("best_epoch", 0, asked.primary.sign, "deployed", asked.primary, asked.turn)]
    others = [end for end in asked.others if not (main is not None and main.reported_once and end.role == "turn")]
    others.sort(key=lambda end: _ORDER.index(end.role))
    ends = (*early, *others)
    runs = {
        end.name: {
            key: _at(_numbers(run, end, folded=kind == "deployed"), epochs)
            for key, run in done.items()
            if end.curve(run)
        }
        for end in ends
    }
    figures = []
    if asked.overfits is not None and epochs:
        figures.append(_rise(record, asked.overfits, epochs))
    for arm in record.arms:
        if arm != record.baseline:
            figures += _of_arm(record, verdict, ends, runs, arm)
    whole = (*early, *([asked.overfits] if asked.overfits else []), *others)
    return Stopping(epochs, whole, runs, tuple(figures))


def thin(values: Sequence[int], most: int) -> list[int]:
    """At most ``most`` values at about equal distances, the first and the last among them.

    >>> thin([0, 1, 2, 3, 4], 3)
    [0, 2, 4]
    """
    if len(values) <= most:
        return list(values)
    return [values[round(place * (len(values) - 1) / (most - 1))] for place in range(most)]


def _numbers(run: RunRecord, end: Endpoint, *, folded: bool) -> Floats:
    """A run's number had it ended after each of its epochs."""
    curve = np.array(end.curve(run), dtype=float)
    if end.role not in {"turn", "deployed"}:
        return curve
    if end.role == "deployed" and folded:
        return deployed_so_far(run.folds[end.metric], end.measure, run.folds.get(end.metric + OTHERS, ()))
    sign = end.measure.sign if end.role == "deployed" else -1
    best = best_so_far(np.where(np.isnan(curve), math.inf, -sign * curve))
    return np.asarray(best + 1.0 if end.role == "turn" else curve[best], dtype=np.float64)


def _at(numbers: Floats, epochs: Sequence[int]) -> Floats:
    """At the epochs of the grid; a run that ended before keeps its last."""
    return np.asarray(numbers[np.minimum(np.array(epochs, dtype=int), len(numbers)) - 1], dtype=np.float64)


def _rise(record: ExperimentRecord, end: Endpoint, epochs: Sequence[int]) -> Figures:
    """The baseline's own question (``endpoints.rises``), had its runs ended at each epoch."""
    runs = [run for run in record.complete(record.baseline) if end.curve(run)]
    curves = [np.array(end.curve(run), dtype=float) for run in runs]
    turns, lasts = [], []
    for place, curve in enumerate(curves):
        others = [other for position, other in enumerate(curves) if position != place]
        if not others:
            return _figures(end, record, record.baseline, (), np.empty((0, len(epochs))), np.empty((0, len(epochs))))
        mean = np.mean([other[: min(map(len, others))] for other in others], axis=0)[: len(curve)]
        lowest = best_so_far(np.where(np.isnan(mean), math.inf, mean))
        turns.append(_at(curve[lowest], epochs))
        lasts.append(_at(curve, epochs))
    seeds = tuple(run.key.seed for run in runs)
    return _figures(end, record, record.baseline, seeds, _stacked(turns, epochs), _stacked(lasts, epochs))


def _of_arm(
    record: ExperimentRecord,
    verdict: Verdict,
    ends: Sequence[Endpoint],
    runs: Mapping[str, Mapping[RunKey, Floats]],
    arm: str,
) -> list[Figures]:
    found, statuses = [], []
    margin = verdict.primary.plan.margin if verdict.primary is not None else None
    for end in ends:
        known = runs[end.name]
        pairs = [
            (seed, known[RunKey(record.baseline, seed)], known[RunKey(arm, seed)])
            for seed in record.seeds
            if RunKey(arm, seed) in known and RunKey(record.baseline, seed) in known
        ]
        count = len(next(iter(known.values()))) if known else 0
        before = np.array([base for _, base, _ in pairs]).reshape(len(pairs), count)
        after = np.array([ours for _, _, ours in pairs]).reshape(len(pairs), count)
        one = _figures(end, record, arm, tuple(seed for seed, _, _ in pairs), before, after)
        found.append(one)
        statuses.append(_statuses(one, end, margin if end.role == "deployed" else None))
    judged = [given for end, given in zip(ends, statuses, strict=True) if end.role == "val"]
    together = list(zip(*judged, strict=True)) if judged else []
    return [
        one._replace(
            means=tuple(
                meaning(end.role, status, together[place] if together else ()) for place, status in enumerate(given)
            )
        )
        for one, end, given in zip(found, ends, statuses, strict=True)
    ]


def _figures(
    end: Endpoint, record: ExperimentRecord, arm: str, seeds: tuple[int, ...], before: Floats, after: Floats
) -> Figures:
    """Means and plain 95 % t intervals over the first axis, as ``paired.paired_t`` has them."""
    n, count = before.shape
    nothing = np.full(count, math.nan)
    if n == 0:
        return Figures(end.name, arm, seeds, nothing, nothing, nothing, nothing, nothing, ("open",) * count)
    with np.errstate(invalid="ignore", over="ignore"):  # figures need not be finite
        apart = after - before
        mean, low, high = apart.mean(0), nothing, nothing
        if n > 1:
            floor = 1.0 if end.role == "turn" else one_sample(record, end.measure, end.role)
            error = np.maximum(apart.std(0, ddof=1), floor) / math.sqrt(n)
            if ratio := scope_of(record).ratio:
                error = error * math.sqrt(1 + n * ratio)
            half = quantile(0.975, n - 1) * error
            low, high = mean - half, mean + half
        one = Figures(end.name, arm, seeds, before.mean(0), after.mean(0), mean, low, high, ())
    return one._replace(means=tuple(meaning(end.role, status, ()) for status in _statuses(one, end, None)))


def _statuses(one: Figures, end: Endpoint, margin: float | None) -> list[Status]:
    """What each plain interval says."""
    given: list[Status] = []
    for low, high, mean in zip(one.low.tolist(), one.high.tolist(), one.mean.tolist(), strict=True):
        if margin is not None and -margin < low and high < margin:
            given.append("equal")
        elif low > 0 or high < 0:
            given.append("supported" if mean * end.claim > 0 else "contradicted")
        else:
            given.append("undecided")
    return given


def _stacked(rows: Sequence[Floats], epochs: Sequence[int]) -> Floats:
    return np.array(rows, dtype=float).reshape(len(rows), len(epochs))

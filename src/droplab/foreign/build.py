"""From runs that others recorded to the record that a ledger gives."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from droplab.analysis import Plan, written
from droplab.errors import UserError, quote, suggest
from droplab.foreign.group import arms_of, seed_of
from droplab.foreign.measures import Figure, as_recorded, companions, wanted_measures
from droplab.foreign.runs import Curve, ForeignRun
from droplab.foreign.wanted import Wanted
from droplab.records import ELSEWHERE, ExperimentRecord, Measure, Notice, RunKey, RunRecord

_FOLD = re.compile(r"(.+)/fold(\d+)/(sum|count)")
_LONGEST = 120


def build(runs: Sequence[ForeignRun], wanted: Wanted, name: str) -> ExperimentRecord:
    """The runs as an experiment of set "2".

    Args:
        runs: as ``read_runs`` gives them.
        wanted: which measures, and what tells arms and seeds apart.
        name: the experiment's, in titles.

    Raises:
        UserError: nothing to compare: a field or figure that is not there, one arm, one seed, seeds that are not
            shared, two runs of one arm and seed.
    """
    figures = wanted_measures(wanted.measures)
    if not runs:
        raise UserError(f"{name} holds no runs")
    there = dict.fromkeys(name for run in runs for name in run.curves if not _FOLD.fullmatch(name))
    figures = as_recorded(figures, there)
    _check_figures(there, figures)
    arms = arms_of(runs, wanted.arm, wanted.seed)
    made: dict[RunKey, tuple[ForeignRun, RunRecord]] = {}
    for run, arm in zip(runs, arms, strict=True):
        key = RunKey(arm[:_LONGEST], seed_of(run, wanted.seed))
        if key in made:
            raise UserError(
                f"two runs are {key}: {made[key][0].where} and {run.where}; name what else tells arms apart with "
                "--arm FIELD,FIELD, or leave one of them out"
            )
        made[key] = (run, _record(key, run, figures))
    names = tuple(dict.fromkeys(key.arm for key in made))
    baseline = _baseline(wanted.baseline, names)
    seeds, left_out = _shared(names, made)
    kept = {key: record for key, (_, record) in made.items() if key.seed in seeds}
    lengths = {len(record.metrics[figures[0].metric]) for record in kept.values() if record.state == "done"}
    notices = [Notice("direction_taken", detail={"measure": figure.source}) for figure in figures if figure.assumed]
    if left_out:
        notices.append(Notice("seeds_unpaired", detail={"seeds": ", ".join(map(str, left_out))}))
    if len(lengths) > 1:
        notices.append(Notice("lengths_differ", detail={"low": min(lengths), "high": max(lengths)}))
    measures = tuple(_measure(figure, kept.values()) for figure in figures)
    _check_margin(measures[0], wanted.margin)
    rounded = {
        figure.measure.name: step for figure in figures if (step := step_of(_values(figure.metric, kept.values())))
    }
    if measures[0].name in rounded:
        notices.append(Notice("rounded", detail={"measure": figures[0].source, "step": rounded[measures[0].name]}))
    alike = [arm for arm in names if _alike([run for key, run in kept.items() if key.arm == arm], figures)]
    if baseline in alike and len(alike) > 1:
        copied = next(arm for arm in alike if arm != baseline)
        raise UserError(
            f"all seeds of {quote(baseline)} gave the very same numbers, and so did those of {quote(copied)}: a seed "
            "that changes nothing repeats one run, and one run shows no effect. See that the seed reaches weights and "
            "data order, or leave that arm out"
        )
    notices += [Notice("seeds_alike", arm) for arm in alike]
    return ExperimentRecord(
        name=name,
        experiment_id="",
        spec={"name": name, "arms": [{"name": arm} for arm in names], "baseline": baseline, ELSEWHERE: True},
        arms=names,
        baseline=baseline,
        seeds=seeds,
        epochs=max(lengths, default=0),
        runs=kept,
        sizes={},
        notices=tuple(notices),
        measures=measures,
        endpoints=written(Plan(wanted.looks or (len(seeds),), wanted.margin)),
        rounded=rounded,
    )


def _check_figures(there: Collection[str], figures: Sequence[Figure]) -> None:
    for figure in figures:
        if figure.source not in there:
            known = ", ".join(list(there)[:20]) or "none"
            raise UserError(
                f"no run has a figure {quote(figure.source)}; they have {known}{suggest(figure.source, there)}"
            )


def _baseline(given: str, names: Sequence[str]) -> str:
    if len(names) < 2:
        raise UserError(f"there is only one arm, {quote(names[0])}; a comparison needs a second one (--arm FIELD)")
    if given and given not in names:
        raise UserError(f"baseline {quote(given)} is none of the arms: {', '.join(names)}{suggest(given, names)}")
    return given or names[0]


def _shared(names: Sequence[str], made: Collection[RunKey]) -> tuple[tuple[int, ...], list[int]]:
    """Seeds that all arms have, and the others."""
    of = {arm: {key.seed for key in made if key.arm == arm} for arm in names}
    every = set.union(*of.values())
    if len(every) < 2:
        raise UserError(
            f"there is one seed, {next(iter(every))}; one seed shows one run, not an effect: at least two are needed"
        )
    shared = set.intersection(*of.values())
    if len(shared) < 2:
        few = ", ".join(f"{arm}: {sorted(seeds)[:8]}" for arm, seeds in list(of.items())[:8])
        raise UserError(f"arms are compared over seeds that all of them have, at least two; they have {few}")
    return tuple(sorted(shared)), sorted(every - shared)


def _record(key: RunKey, run: ForeignRun, figures: Sequence[Figure]) -> RunRecord:
    main = run.curves.get(figures[0].source, ())
    steps = [step for step, _ in main]
    known = companions(figures) | {figure.source: figure.metric for figure in figures}
    metrics = {known[name]: _at(curve, steps) for name, curve in run.curves.items() if name in known}
    asked = {figure.metric for figure in figures}
    metrics = {name: series for name, series in metrics.items() if name in asked or not any(map(math.isnan, series))}
    values = metrics.get(figures[0].metric, ())
    why = run.failed
    if not why and not values:
        why = f"it never reported {figures[0].source}"
    if not why and not math.isfinite(values[-1]):
        why = f"its last {figures[0].source} is {values[-1]}"
    folds = _folds(run.curves, known, steps)
    return RunRecord(key, "failed" if why else "done", len(steps), why, metrics, folds)


def _at(curve: Curve, steps: Sequence[float]) -> tuple[float, ...]:
    """A curve's last value at each of these steps and after the one before; NaN where there is none."""
    places = [step for step, _ in curve]
    found, before = [], -math.inf
    for step in steps:
        last = bisect_right(places, step) - 1
        found.append(curve[last][1] if last >= 0 and places[last] > before else math.nan)
        before = step
    return tuple(found)


def _folds(
    curves: Mapping[str, Curve], known: Mapping[str, str], steps: Sequence[float]
) -> dict[str, tuple[tuple[tuple[float, float], ...], ...]]:
    """Sums and counts of folds, where an export of droplab's has them as ``FIGURE/foldN/sum`` and ``…/count``."""
    parts: dict[str, dict[int, dict[str, tuple[float, ...]]]] = {}
    for name, curve in curves.items():
        found = _FOLD.fullmatch(name)
        if found and found[1] in known:
            parts.setdefault(known[found[1]], {}).setdefault(int(found[2]), {})[found[3]] = _at(curve, steps)
    return {
        name: tuple(
            tuple((of["sum"][epoch], of["count"][epoch]) for _, of in sorted(folds.items()))
            for epoch in range(len(steps))
        )
        for name, folds in parts.items()
        if all(of.keys() == {"sum", "count"} for of in folds.values()) and len(folds) > 1
    }


def step_of(values: Collection[float]) -> float:
    """The decimal step to which all values are rounded, up to six places; 0 where they are not.

    >>> step_of([0.5, 0.25]), step_of([91.0, 92.0]), step_of([0.1 + 0.2])
    (0.01, 1.0, 0.0)
    """
    found = (places for places in range(7) if values and all(round(value, places) == value for value in values))
    places = next(found, None)
    return 0.0 if places is None else 10.0**-places


def _values(metric: str, runs: Iterable[RunRecord]) -> list[float]:
    return [value for run in runs for value in run.metrics.get(metric, ()) if math.isfinite(value)]


def _alike(runs: Sequence[RunRecord], figures: Sequence[Figure]) -> bool:
    """Whether all seeds gave the same numbers, to more places than chance or rounding would explain."""
    done = [[run.metrics.get(figure.metric) for figure in figures] for run in runs if run.state == "done"]
    same = len(done) > 1 and all(one == done[0] for one in done[1:])
    return same and not step_of(_values(figures[0].metric, runs))


def _check_margin(measure: Measure, margin: float | None) -> None:
    if measure.unit == "share" and margin is not None and margin >= 1:
        raise UserError(
            f"{measure.name} is a share here, from 0 to 1, and a margin of {margin:g} is all of it; one percentage "
            "point is 0.01"
        )


def _measure(figure: Figure, runs: Iterable[RunRecord]) -> Measure:
    """Accuracies that are given in percent are no shares."""
    if figure.measure.unit == "share" and max(_values(figure.metric, runs), default=0) > 1:
        return replace(figure.measure, unit="", counted=False)
    return figure.measure

"""Record a built-in set of arms: run (or continue) it, write its page and tables under docs/results.

python scripts/record_sets.py rates
python scripts/record_sets.py schedules --out DIR     # where the experiment is
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median

import record_results as pages

import droplab
from droplab.analysis.describe import summarise
from droplab.analysis.paired import paired_t
from droplab.records import ExperimentRecord
from droplab.spec.presets import TARGET_GAP, arm_set

CURVES = {"fit_loss", "fit_accuracy", "val_loss", "val_accuracy", "gap"}
TITLES = {
    "variants": "Variants",
    "rates": "Constant rates, up to an excessive one",
    "schedules": "Schedules and adaptive rates",
}


def constant_arms(record: ExperimentRecord) -> list[str]:
    """Arms of standard dropout whose schedule is plain and whose ``p`` is one number, in the spec's order."""
    return [
        arm["name"]
        for arm in record.spec["arms"]
        if arm["schedule"] == "constant" and not isinstance(arm["p"], dict) and arm["layer"] is None
    ]


def best_constant(record: ExperimentRecord) -> str:
    """The constant arm of the lowest mean validation loss at the last epoch."""
    return min(constant_arms(record), key=lambda arm: summarise(record, arm).last["val_loss"].mean)


def against(record: ExperimentRecord, best: str) -> str:
    """Every arm minus the best constant one, paired over seeds."""
    lines = [
        f"| arm | validation loss minus that of `{best}` | validation accuracy, pp | lowest validation loss |",
        "|---|---|---|---|",
    ]
    base = {run.key.seed: run.metrics for run in record.complete(best)}
    for arm in record.arms:
        pairs = [(run.metrics, base[run.key.seed]) for run in record.complete(arm) if run.key.seed in base]
        if arm == best:
            continue
        loss = paired_t([ours["val_loss"][-1] - theirs["val_loss"][-1] for ours, theirs in pairs])
        share = paired_t(
            [100 * (ours["val_accuracy"][-1] - theirs["val_accuracy"][-1]) for ours, theirs in pairs],
            100 / record.sizes["validation"],
        )
        low = paired_t([min(ours["val_loss"]) - min(theirs["val_loss"]) for ours, theirs in pairs])
        cells = (f"{d.mean:+.{n}f} [{d.low:+.{n}f}, {d.high:+.{n}f}]" for d, n in ((loss, 3), (share, 1), (low, 3)))
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    return "\n".join(lines)


def held(record: ExperimentRecord, target: float) -> str:
    """How near the target the gap is, from the epoch in which the mean gap of ``no dropout`` has passed it."""
    base = [run.metrics["gap"] for run in record.complete(record.baseline)]
    since = next(epoch for epoch in range(record.epochs) if fmean(gap[epoch] for gap in base) > target)
    lines = [
        f"From epoch {since + 1} on, the first in which the mean gap of `{record.baseline}` is above {target}:",
        "",
        f"| arm | mean gap | mean distance to {target} | largest gap | last epoch's gap | p at the last epoch |",
        "|---|---|---|---|---|---|",
    ]
    for arm in record.arms:
        runs = record.complete(arm)
        gaps = [run.metrics["gap"][since:] for run in runs]
        rates = {
            name.removeprefix("p/"): fmean(run.metrics[name][-1] for run in runs)
            for name in runs[0].metrics
            if name.startswith("p/")
        }
        shown = ", ".join(f"{site} {rate:.2f}" for site, rate in rates.items())
        lines.append(
            f"| {arm} | {fmean(map(fmean, gaps)):.3f} "
            f"| {fmean(fmean(abs(gap - target) for gap in run) for run in gaps):.3f} "
            f"| {fmean(map(max, gaps)):.3f} | {fmean(gap[-1] for gap in gaps):.3f} | {shown} |"
        )
    return "\n".join(lines)


def cost(record: ExperimentRecord) -> str:
    """Training time against the baseline's, and the rates that were learned or set."""
    lines = ["| arm | training time / that of the baseline | p at the last epoch |", "|---|---|---|"]
    base = median(seconds for run in record.complete(record.baseline) for seconds in run.metrics["seconds"])
    for arm in record.arms:
        runs = record.complete(arm)
        ratio = median(seconds for run in runs for seconds in run.metrics["seconds"]) / base
        shown = ", ".join(
            f"{name.removeprefix('p/')} {fmean(run.metrics[name][-1] for run in runs):.2f}"
            for name in runs[0].metrics
            if name.startswith("p/") and any(run.metrics[name][-1] for run in runs)
        )
        lines.append(f"| {arm} | {ratio:.2f} | {shown or 'none'} |")
    return "\n".join(lines)


def extra(name: str, record: ExperimentRecord) -> str:
    """What the verdict does not say: everything against the best constant rate, and how the gap was held."""
    best = best_constant(record)
    text = f"""## Against the best constant rate

Of the constant rates here, `{best}` has the lowest mean validation loss at the last epoch. Means over seeds with 95 %
intervals of the paired differences, not adjusted for their number. The best constant rate was chosen on these very
results, which flatters it.

{against(record, best)}
"""
    if name == "variants":
        text += f"""
## What they cost, and the rates

Medians of an epoch's training seconds, two runs at a time; the network is small, so that what a layer does beside its
multiplications weighs more here than in a wide one. Rates are means over seeds; concrete and variational ones are
learned (a variational layer's p is the mean of its weights' or units').

{cost(record)}
"""
    if name == "schedules":
        text += f"""
## Was the gap held?

`adaptive gap` and `adaptive gap per site` aim at {TARGET_GAP} nats. They look at the validation set in every epoch,
which flatters their validation losses. Means over seeds of each run's figures.

{held(record, TARGET_GAP)}
"""
    return text


def curves(record: ExperimentRecord) -> ExperimentRecord:
    """The record with the metrics that this page is made of; all of them would be megabytes."""
    runs = {
        key: replace(run, metrics={m: v for m, v in run.metrics.items() if m in CURVES or m.startswith("p/")})
        for key, run in record.runs.items()
    }
    return replace(record, runs=runs)


def main() -> None:
    """Parse the options and record."""
    parser = argparse.ArgumentParser(description="Record a built-in set of arms under docs/results.")
    parser.add_argument("set", choices=tuple(TITLES))
    parser.add_argument("--out", type=Path, help="folder of the experiment")
    options = parser.parse_args()
    name: str = options.set
    results = droplab.compare({**arm_set(name), **pages.SET_1}, out=options.out)
    pages.COMMANDS[name] = f"droplab compare --set {name}"
    pages.TITLES[name] = TITLES[name]
    record = results.record
    pages.record(name, results, script="scripts/record_sets.py", extra=extra(name, record), curves=curves(record))


if __name__ == "__main__":
    main()

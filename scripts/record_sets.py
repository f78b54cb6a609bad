"""Record a built-in set of arms: run (or continue) it, write its pages and tables under docs/results.

python scripts/record_sets.py rates
python scripts/record_sets.py schedules --out DIR     # where the experiment is
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median

import record_results as pages
import recorded

import droplab
from droplab.analysis.paired import paired_t
from droplab.records import ExperimentRecord
from droplab.spec.presets import TARGET_GAP, arm_set

CURVES = {"fit_loss", "fit_accuracy", "val_loss", "val_accuracy", "gap"}
TITLES = {
    "variants": {"en": "Variants", "ja": "ドロップアウトの種類"},
    "rates": {"en": "Constant rates, up to an excessive one", "ja": "一定の率（過大なものまで）"},
    "schedules": {"en": "Schedules and adaptive rates", "ja": "スケジュールと適応的な率"},
}
NO_RATE = {"en": "none", "ja": "なし"}


def constant_arms(record: ExperimentRecord) -> list[str]:
    """Arms of standard dropout whose schedule is plain and whose ``p`` is one number, in the spec's order."""
    return [
        arm["name"]
        for arm in record.spec["arms"]
        if arm["schedule"] == "constant" and not isinstance(arm["p"], dict) and arm["layer"] is None
    ]


def best_constant(record: ExperimentRecord) -> str:
    """The constant arm of the lowest mean validation loss at the last epoch."""
    means = {arm: fmean(run.metrics["val_loss"][-1] for run in record.complete(arm)) for arm in constant_arms(record)}
    return min(means, key=lambda arm: means[arm])


def against(record: ExperimentRecord, best: str) -> str:
    """Rows of every arm minus the best constant one, paired over seeds."""
    lines = []
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


def passed(record: ExperimentRecord, target: float) -> int:
    """The first epoch, from 0, in which the baseline's mean gap is above the target."""
    base = [run.metrics["gap"] for run in record.complete(record.baseline)]
    return next(epoch for epoch in range(record.epochs) if fmean(gap[epoch] for gap in base) > target)


def held(record: ExperimentRecord, target: float, since: int) -> str:
    """Rows of how near the target the gap is, from an epoch on."""
    lines = []
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


def cost(record: ExperimentRecord, lang: str) -> str:
    """Rows of training time against the baseline's, and the rates that were learned or set."""
    lines = []
    base = median(seconds for run in record.complete(record.baseline) for seconds in run.metrics["seconds"])
    for arm in record.arms:
        runs = record.complete(arm)
        ratio = median(seconds for run in runs for seconds in run.metrics["seconds"]) / base
        shown = ", ".join(
            f"{name.removeprefix('p/')} {fmean(run.metrics[name][-1] for run in runs):.2f}"
            for name in runs[0].metrics
            if name.startswith("p/") and any(run.metrics[name][-1] for run in runs)
        )
        lines.append(f"| {arm} | {ratio:.2f} | {shown or NO_RATE[lang]} |")
    return "\n".join(lines)


def extra(name: str, record: ExperimentRecord, lang: str) -> str:
    """What the verdict does not say: everything against the best constant rate, and how the gap was held."""
    best = best_constant(record)
    text = recorded.told("against", lang, best=best, rows=against(record, best))
    if name == "variants":
        text += recorded.told("cost", lang, rows=cost(record, lang))
    if name == "schedules":
        since = passed(record, TARGET_GAP)
        text += recorded.told(
            "held",
            lang,
            target=TARGET_GAP,
            baseline=record.baseline,
            since=since + 1,
            rows=held(record, TARGET_GAP, since),
        )
    return text


def curves(record: ExperimentRecord) -> ExperimentRecord:
    """The record with the metrics that this page is made of; all of them would be megabytes."""
    runs = {
        key: replace(run, metrics={m: v for m, v in run.metrics.items() if m in CURVES or m.startswith("p/")})
        for key, run in record.runs.items()
    }
    return replace(record, runs=runs)


def write(name: str, results: droplab.Results) -> None:
    """The set's pages and tables."""
    pages.COMMANDS[name] = f"droplab compare --set {name}"
    pages.TITLES[name] = TITLES[name]
    record = results.record
    more = {lang: extra(name, record, lang) for lang in recorded.HEADS}
    pages.record(name, results, script="scripts/record_sets.py", extra=more, curves=curves(record))


def main() -> None:
    """Parse the options and record."""
    parser = argparse.ArgumentParser(description="Record a built-in set of arms under docs/results.")
    parser.add_argument("set", choices=tuple(TITLES))
    parser.add_argument("--out", type=Path, help="folder of the experiment")
    options = parser.parse_args()
    write(options.set, droplab.compare({**arm_set(options.set), **pages.SET_1}, out=options.out))


if __name__ == "__main__":
    main()

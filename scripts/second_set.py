"""Results that are judged by set "2": pages in both languages, tables, and what the tables do not hold."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import recorded

from droplab.analysis import Verdict, judge
from droplab.ledger import Ledger
from droplab.measures import measures_json, read_measures
from droplab.records import ExperimentRecord, Notice, RunKey, RunRecord
from droplab.report import write_effects, write_metrics

KEPT = {"fit_loss", "fit_accuracy", "val_loss", "val_accuracy", "train_loss", "gap", "seconds"}
"""Figures that a verdict of set "2" is made of, and those of the page's curves."""
UNTESTED = ("images_per_second", "seconds")
"""What short tables leave out; the verdict's text does not show them."""


def short(record: ExperimentRecord) -> ExperimentRecord:
    """The record with the figures that tables hold, and the primary one's sums on folds."""
    primary = f"val_{record.measures[0].name}"
    runs = {
        key: replace(
            run,
            metrics={name: series for name, series in run.metrics.items() if name in KEPT},
            folds={name: series for name, series in run.folds.items() if name == primary},
        )
        for key, run in record.runs.items()
    }
    return replace(record, runs=runs)


def write(
    name: str, record: ExperimentRecord, folder: Path, prose: Mapping[str, str], family: int | None = None
) -> None:
    """Pages, tables and design of an experiment.

    Args:
        name: of the files.
        record: what is judged.
        folder: the experiment's, for its environment and plan.
        prose: by language, all that stands before the verdict.
        family: as ``judge`` takes it.
    """
    kept = short(record)
    keep_design(name, record, family)
    with (recorded.HERE / f"{name}-metrics.csv").open("w", encoding="utf-8", newline="") as file:
        write_metrics(kept, file)
    verdict = judge(kept, family=family)
    with (recorded.HERE / f"{name}-effects.csv").open("w", encoding="utf-8", newline="") as file:
        write_effects(verdict, file)
    for lang, said in prose.items():
        page = f"{said}\n{recorded.HEADS[lang]}\n{recorded.block(verdict, kept, lang)}\n\n{_environment(folder, lang)}"
        recorded.place(name, lang).write_text(page, encoding="utf-8")
        print(f"wrote {recorded.place(name, lang)}")


def keep_design(name: str, record: ExperimentRecord, family: int | None = None) -> None:
    """Write what belongs to the whole experiment, which tables do not hold."""
    design = {
        "name": record.name,
        "spec": dict(record.spec),
        "arms": list(record.arms),
        "baseline": record.baseline,
        "seeds": list(record.seeds),
        "epochs": record.epochs,
        "sizes": dict(record.sizes),
        "shape": list(record.shape),
        "measures": measures_json(record.measures),
        "endpoints": dict(record.endpoints),
        "notices": [asdict(notice) for notice in record.notices],
        "openings": record.test_openings,
        "family": family,
    }
    text = json.dumps(design, indent=1, ensure_ascii=False)
    (recorded.HERE / f"{name}-design.json").write_text(f"{text}\n", encoding="utf-8")


def _environment(folder: Path, lang: str) -> str:
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        design, environments = ledger.design(), ledger.environments()
    shown = json.dumps(environments[0], indent=2, ensure_ascii=False, sort_keys=True)
    plan = json.dumps({**design["plan"], **design["calibration"]}, indent=2, sort_keys=True)
    head = {"en": "## Environment and plan", "ja": "## 環境と実行計画"}[lang]
    return f"{head}\n\n```json\n{shown}\n```\n\n```json\n{plan}\n```\n"


def read(name: str) -> tuple[ExperimentRecord, int | None]:
    """The record as tables and design hold it, and the family of its comparisons."""
    design: dict[str, Any] = json.loads((recorded.HERE / f"{name}-design.json").read_text(encoding="utf-8"))
    metrics: dict[RunKey, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    folds: dict[RunKey, dict[str, dict[tuple[int, int], dict[str, float]]]] = defaultdict(lambda: defaultdict(dict))
    states = dict[RunKey, str]()
    with (recorded.HERE / f"{name}-metrics.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key, figure, value = RunKey(row["arm"], int(row["seed"])), row["metric"], float(row["value"])
            states[key] = row["state"]
            if figure.endswith(("/sum", "/count")):
                measured, fold, part = figure.split("/")
                where = int(row["epoch"]) - 1, int(fold.removeprefix("fold"))
                folds[key][measured].setdefault(where, {})[part] = value
            else:
                metrics[key][figure].append(value)
    arms, seeds = tuple(design["arms"]), tuple(design["seeds"])
    runs = {}
    for key in (RunKey(arm, seed) for seed in seeds for arm in arms):
        done = {figure: tuple(values) for figure, values in metrics[key].items()}
        sums = {measured: _by_epoch(pairs) for measured, pairs in folds[key].items()}
        epochs = max(map(len, done.values()), default=0)
        left_out = dict.fromkeys(UNTESTED, (0.0,) * epochs)
        runs[key] = RunRecord(key, states.get(key, "pending"), epochs, "", left_out | done, sums)
    record = ExperimentRecord(
        name=design["name"],
        experiment_id="",
        spec=design["spec"],
        arms=arms,
        baseline=design["baseline"],
        seeds=seeds,
        epochs=design["epochs"],
        runs=runs,
        sizes=design["sizes"],
        test_openings=design["openings"],
        shape=tuple(design["shape"]),
        notices=tuple(Notice(**notice) for notice in design["notices"]),
        measures=read_measures(design["measures"]),
        endpoints=design["endpoints"],
    )
    return record, design["family"]


def _by_epoch(pairs: Mapping[tuple[int, int], Mapping[str, float]]) -> tuple[tuple[tuple[float, float], ...], ...]:
    epochs, count = (1 + max(place[axis] for place in pairs) for axis in (0, 1))
    found = [[pairs[epoch, fold] for fold in range(count)] for epoch in range(epochs)]
    return tuple(tuple((pair["sum"], pair["count"]) for pair in epoch) for epoch in found)


def reworded(name: str) -> tuple[dict[Path, str], Verdict]:
    """Its pages with their verdicts in today's words, and that verdict."""
    record, family = read(name)
    verdict = judge(record, family=family)
    return recorded.reworded(name, verdict, record), verdict

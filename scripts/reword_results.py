"""Write the verdicts of recorded results again from their tables, after the verdict's words or rules have changed.

python scripts/reword_results.py               # all pages that have a table of metrics
python scripts/reword_results.py rates demo

No run is repeated: ``docs/results/NAME-metrics.csv`` holds every epoch exactly, so that statistics come out the same.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections import defaultdict
from pathlib import Path

import recorded
import second_set

from droplab.analysis import Verdict, judge
from droplab.records import ExperimentRecord, RunKey, RunRecord
from droplab.report import write_effects

TITLE = re.compile(
    r"```text\n(.+?):\s(\S+)\son\s(\S+)\s\(([\d,]+)\straining\sand\s([\d,]+)\svalidation\simages\)", re.DOTALL
)
FIT_SIZE = 5000
"""The recipe's default, which all recorded experiments have."""


def read(name: str) -> ExperimentRecord:
    """The record as the table holds it; what belongs to the whole experiment comes from the English page's title.

    Raises:
        SystemExit: the page has no verdict.
    """
    title = TITLE.search(recorded.place(name).read_text(encoding="utf-8"))
    if title is None:
        sys.exit(f"{name}.md has no verdict")
    series: dict[RunKey, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with (recorded.HERE / f"{name}-metrics.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            series[RunKey(row["arm"], int(row["seed"]))][row["metric"]].append(float(row["value"]))
    train, validation = (int(title[place].replace(",", "")) for place in (4, 5))
    epochs = max(len(found["val_loss"]) for found in series.values())
    arms = tuple(dict.fromkeys(key.arm for key in series))
    untested = dict.fromkeys(second_set.UNTESTED, (0.0,) * epochs)
    metrics = {key: untested | {name: tuple(values) for name, values in found.items()} for key, found in series.items()}
    runs = {key: RunRecord(key, "done", epochs, "", found) for key, found in metrics.items()}
    return ExperimentRecord(
        name=title[1],
        experiment_id="",
        spec={"data": {"name": title[3]}, "model": {"name": title[2]}},
        arms=arms,
        baseline=arms[0],
        seeds=tuple(sorted({key.seed for key in series})),
        epochs=epochs,
        runs=runs,
        sizes={"train": train, "fit": min(FIT_SIZE, train), "validation": validation},
        shape=(3, 1, 1),  # images, whatever their size
    )


def reworded(name: str) -> dict[Path, str]:
    """The pages and the table of effects with the verdict, in both languages, as it is today."""
    if (recorded.HERE / f"{name}-design.json").exists():
        pages, verdict = second_set.reworded(name)
    else:
        record = read(name)
        verdict = judge(record)
        pages = recorded.reworded(name, verdict, record)
    return {**pages, recorded.HERE / f"{name}-effects.csv": _table(verdict)}


def _table(verdict: Verdict) -> str:
    table = io.StringIO()
    write_effects(verdict, table)
    return table.getvalue()


def names() -> list[str]:
    """Of the results that have a table of metrics."""
    return sorted(path.stem.removesuffix("-metrics") for path in recorded.HERE.glob("*-metrics.csv"))


if __name__ == "__main__":
    for chosen in sys.argv[1:] or names():
        for path, text in reworded(chosen).items():
            path.write_text(text, encoding="utf-8")

"""Record results again: run (or continue) the demonstration and CIFAR-10, write them under docs/results.

make results                                     # both
make results ARGS="--only demo"                  # the demonstration
make results ARGS="--data-dir DIR --cifar-out D" # where the files and the experiment are
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import recorded
import second_set

import droplab
from droplab.ledger import Ledger
from droplab.records import ExperimentRecord
from droplab.report import write_effects, write_metrics
from droplab.spec.presets import demo

SET_1 = {"endpoints": "1"}
"""What is recorded was asked before there was another set, and is asked again in its words."""
CIFAR10 = {**SET_1, "data": {"name": "cifar10"}, "recipe": {"epochs": 15}, "seeds": 5}
COMMANDS = {"demo": "droplab compare", "cifar10": "droplab compare --data cifar10 --seeds 5 --epochs 15"}
TITLES = {
    "demo": {"en": "The embedded demonstration", "ja": "同梱のデータでのデモ"},
    "cifar10": {"en": "The tutorial's experiment on CIFAR-10", "ja": "CIFAR-10 でのチュートリアルの実験"},
}
ALL = {"en": "every metric of every epoch", "ja": "全エポックの全指標"}
CURVES = {"en": "losses, accuracies, gap and p of every epoch", "ja": "各エポックの損失、精度、汎化ギャップ、p"}
"""What the table of metrics holds."""


def record(
    name: str,
    results: droplab.Results,
    *,
    script: str = "scripts/record_results.py",
    extra: Mapping[str, str] | None = None,
    curves: ExperimentRecord | None = None,
) -> None:
    """Write one experiment's pages, tables and design.

    Args:
        name: of the files.
        results: the experiment.
        script: what the pages say they were written by.
        extra: by language, what goes between the verdict and the environment.
        curves: in place of the whole record, what the table of metrics holds.
    """
    with Ledger.open(results.folder / "ledger.sqlite") as ledger:
        design, environments = ledger.design(), ledger.environments()
    seconds = [sum(run.metrics["seconds"]) for run in results.record.runs.values()]
    for lang in recorded.HEADS:
        page = recorded.told(
            "recorded",
            lang,
            name=name,
            title=TITLES[name][lang],
            script=script,
            command=COMMANDS[name],
            begun=design["created"],
            runs=len(seconds),
            seconds=f"{sum(seconds):.0f}",
            table=(ALL if curves is None else CURVES)[lang],
            verdict=recorded.block(results.verdict, results.record, lang),
            extra=extra[lang] if extra else "",
            environment=json.dumps(environments[0], indent=2, ensure_ascii=False, sort_keys=True),
            plan=json.dumps({**design["plan"], **design["calibration"]}, indent=2, sort_keys=True),
        )
        recorded.place(name, lang).write_text(page, encoding="utf-8")
        print(f"wrote {recorded.place(name, lang)}")
    second_set.keep_design(name, results.record)
    with (recorded.HERE / f"{name}-effects.csv").open("w", encoding="utf-8", newline="") as file:
        write_effects(results.verdict, file)
    with (recorded.HERE / f"{name}-metrics.csv").open("w", encoding="utf-8", newline="") as file:
        write_metrics(curves or results.record, file)


def main() -> None:
    """Parse the options and record."""
    parser = argparse.ArgumentParser(description="Record results again under docs/results.")
    parser.add_argument("--only", choices=tuple(COMMANDS))
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--cifar-out", type=Path, help="folder of the CIFAR-10 experiment")
    parser.add_argument("--demo-out", type=Path, help="folder of the demonstration")
    options = parser.parse_args()
    recorded.HERE.mkdir(parents=True, exist_ok=True)
    if options.only in {None, "demo"}:
        record("demo", droplab.compare({**demo(), **SET_1}, out=options.demo_out))
    if options.only in {None, "cifar10"}:
        record("cifar10", droplab.compare(CIFAR10, out=options.cifar_out, data_dir=options.data_dir))


if __name__ == "__main__":
    main()

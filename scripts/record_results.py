"""Record results again: run (or continue) the demonstration and CIFAR-10, write them under docs/results.

make results                                     # both
make results ARGS="--only demo"                  # the demonstration
make results ARGS="--data-dir DIR --cifar-out D" # where the files and the experiment are
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import droplab
from droplab.ledger import Ledger
from droplab.records import ExperimentRecord
from droplab.report import write_effects, write_metrics
from droplab.spec.presets import demo

HERE = Path(__file__).resolve().parent.parent / "docs" / "results"
SET_1 = {"endpoints": "1"}
"""What is recorded was asked before there was another set, and is asked again in its words."""
CIFAR10 = {**SET_1, "data": {"name": "cifar10"}, "recipe": {"epochs": 15}, "seeds": 5}
COMMANDS = {"demo": "droplab compare", "cifar10": "droplab compare --data cifar10 --seeds 5 --epochs 15"}
TITLES = {"demo": "The embedded demonstration", "cifar10": "The tutorial's experiment on CIFAR-10"}


def record(
    name: str,
    results: droplab.Results,
    *,
    script: str = "scripts/record_results.py",
    extra: str = "",
    curves: ExperimentRecord | None = None,
) -> None:
    """Write one experiment's page and tables.

    Args:
        name: of the files.
        results: the experiment.
        script: what the page says it was written by.
        extra: goes between the verdict and the environment.
        curves: in place of the whole record, what the table of metrics holds.
    """
    with Ledger.open(results.folder / "ledger.sqlite") as ledger:
        design, environments = ledger.design(), ledger.environments()
    shown = json.dumps(environments[0], indent=2, ensure_ascii=False, sort_keys=True)
    plan = json.dumps({**design["plan"], **design["calibration"]}, indent=2, sort_keys=True)
    seconds = [sum(run.metrics["seconds"]) for run in results.record.runs.values()]
    table = "every metric of every epoch" if curves is None else "losses, accuracies, gap and p of every epoch"
    page = f"""# {TITLES[name]}

Written by `{script}` from the experiment's ledger; the command was

```sh
{COMMANDS[name]}
```

Begun {design["created"]}. {len(seconds)} runs, {sum(seconds):.0f} seconds of training in all, evaluation not counted.
Tables: [effects]({name}-effects.csv), [{table}]({name}-metrics.csv).

## Verdict

```text
{results.text("en")}
```

```text
{results.text("ja")}
```

{extra}
## Environment

```json
{shown}
```

Executor and threads, chosen by these measurements (images per second; seconds are estimates of the run set):

```json
{plan}
```
"""
    (HERE / f"{name}.md").write_text(page, encoding="utf-8")
    with (HERE / f"{name}-effects.csv").open("w", encoding="utf-8", newline="") as file:
        write_effects(results.verdict, file)
    with (HERE / f"{name}-metrics.csv").open("w", encoding="utf-8", newline="") as file:
        write_metrics(curves or results.record, file)
    print(f"wrote {HERE / name}.md")


def main() -> None:
    """Parse the options and record."""
    parser = argparse.ArgumentParser(description="Record results again under docs/results.")
    parser.add_argument("--only", choices=tuple(COMMANDS))
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--cifar-out", type=Path, help="folder of the CIFAR-10 experiment")
    parser.add_argument("--demo-out", type=Path, help="folder of the demonstration")
    options = parser.parse_args()
    HERE.mkdir(parents=True, exist_ok=True)
    if options.only in {None, "demo"}:
        record("demo", droplab.compare({**demo(), **SET_1}, out=options.demo_out))
    if options.only in {None, "cifar10"}:
        record("cifar10", droplab.compare(CIFAR10, out=options.cifar_out, data_dir=options.data_dir))


if __name__ == "__main__":
    main()

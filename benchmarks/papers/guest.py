"""What the benchmarks here have in common: each is a loop for ``droplab.compare``, and its figures are the ledger's."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import droplab
from droplab.analysis.paired import paired_t
from droplab.cli.progress import progress
from droplab.records import RunKey


def parser(description: str | None, seeds: int) -> argparse.ArgumentParser:
    """What every benchmark here takes."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--seeds", type=int, default=seeds)
    made.add_argument("--workers", type=int, default=1, help="runs at a time, of one thread each")
    made.add_argument("--device", default="cpu")
    made.add_argument("--out", type=Path, default=Path("droplab-runs"), help="where the experiments' folders are")
    return made


def compared(
    loop: Any, given: argparse.Namespace, *, name: str, arms: Sequence[Any], measures: Any, **options: Any
) -> droplab.Results:
    """The experiment, or the rest of it, in a folder of its name.

    Args:
        loop: the benchmark's, with its settings bound to it.
        given: the command's.
        name: says what makes it this experiment.
        arms: the first is the baseline.
        measures: the first is decided on.
        options: more of ``droplab.compare``.
    """
    executor = {"executor": "process", "workers": given.workers} if given.workers > 1 else {"executor": "serial"}
    with progress("en") as display:
        results = droplab.compare(
            loop,
            name=name,
            arms=arms,
            seeds=given.seeds,
            measures=measures,
            out=given.out / name.replace(",", "").replace(" ", "-"),
            compute={**executor, "threads": 1, "device": given.device},
            listener=display,
            **{"endpoints": "1", **options},  # a paper's figures are of the last epoch
        )
    for run in results.record.runs.values():
        if run.state != "done":
            raise SystemExit(f"{run.key}: {run.reason}")
    return results


def values(results: droplab.Results, arm: str, figure: str, epoch: int = -1) -> list[float]:
    """A figure of all seeds, at an epoch; by default the last one."""
    record = results.record
    return [record.runs[RunKey(arm, seed)].metrics[figure][epoch] for seed in record.seeds]


def spread(found: Sequence[float], digits: int = 2) -> str:
    """``mean ± half the 95 % interval`` over seeds."""
    all_of_them = paired_t(found)
    half = f" ± {all_of_them.high - all_of_them.mean:.{digits}f}" if len(found) > 1 else ""
    return f"{all_of_them.mean:.{digits}f}{half}"

"""Made-up experiments of set "2": one number per run, and many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from droplab.analysis.looks import Plan
from droplab.analysis.planned import written
from droplab.analysis.until import Next, next_seeds
from droplab.records import LOOKS, ExperimentRecord, Measure, RunKey, RunRecord

LOSS = Measure("loss", "lower")
PLAN = Plan(LOOKS)


def experiment(values: np.ndarray | Sequence[Sequence[float]], plan: Plan = PLAN, better="lower", **more):
    """From ``(arms, seeds)``, the baseline first; each run reports its loss once."""
    arms = ("base", *(f"a{place}" for place in range(1, len(values))))
    runs = {}
    for arm, row in zip(arms, values, strict=True):
        for seed, value in enumerate(row):
            key = RunKey(arm, seed)
            runs[key] = RunRecord(key, "done", 1, "", {"val_loss": (float(value),)})
    spec = {"arms": [{"name": arm} for arm in arms]}
    made = ExperimentRecord("made up", "0", spec, arms, arms[0], tuple(range(len(values[0]))), 1, runs, {})
    return replace(made, measures=(replace(LOSS, better=better),), endpoints=written(plan), **more)


def failed(record: ExperimentRecord, *keys: RunKey, retry: bool = False) -> ExperimentRecord:
    """The record with these runs failed."""
    runs = {k: replace(run, state="failed", retry=retry) if k in keys else run for k, run in record.runs.items()}
    return replace(record, runs=runs)


def until_decided(whole: ExperimentRecord, plan: Plan) -> tuple[ExperimentRecord, Next]:
    """Train what each look wants, until nothing is wanted; the record then, and how it ended."""
    record = replace(whole, runs={})
    while True:
        wanted = next_seeds(record, plan)
        if wanted.decided:
            return record, wanted
        record = replace(record, runs={**record.runs, **{key: whole.runs[key] for key in wanted.runs}})


NOISES = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "heavy": lambda rng, shape: rng.standard_t(3, shape),
    "outliers": lambda rng, shape: rng.standard_normal(shape) * np.where(rng.random(shape) < 0.1, 5, 1),
    "unequal": lambda rng, shape: rng.standard_normal(shape) * np.geomspace(0.25, 4, shape[0])[:, None],
}
"""Losses of ``(arms, seeds)``; the first arm is the baseline."""

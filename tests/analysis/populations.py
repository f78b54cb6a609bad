"""Data sets from a known population, two ways to learn from them, and what runs on drawn splits report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from droplab.analysis.looks import Plan
from droplab.folds import fold_sums
from droplab.records import ExperimentRecord, Notice
from droplab.resampling import NOTICE
from droplab.training.drawing import drawn
from tests.analysis.sequences import experiment

PENALTIES = (0.0, 40.0)
"""Ridge regression: the baseline's, and the arm's."""
SHAKE = 0.005
"""How much two trainings on the same samples differ."""


@dataclass(frozen=True)
class Scheme:
    """How seeds draw their splits from data sets of 100 samples."""

    resample: bool | str
    seeds: int
    size: float = 0.1
    groups: int = 0
    """Whose members share a part of their noise."""
    keep: int | None = None
    """Training samples that are used, as ``train_size`` says."""
    own: int | None = None
    """Those that the arm uses, where it has a ``train_size`` of its own."""
    width: int = 6
    """Inputs of a sample; with 60, least squares nearly learns 90 samples by heart."""
    heavy: bool = False
    """Noise of Student's t with 3 degrees of freedom."""


class _Unheard:
    def tell(self, code: str, detail: dict[str, Any]) -> None:
        self.detail = detail


def runs(rng: np.random.Generator, scheme: Scheme, count: int = 100) -> tuple[np.ndarray, dict[str, Any]]:
    """``(2, seeds)`` validation losses from one data set, and the notice of its splits."""
    x = rng.standard_normal((count, scheme.width))
    groups = np.arange(count) % scheme.groups if scheme.groups else None
    noise = rng.standard_t(3, count) if scheme.heavy else rng.standard_normal(count)
    if groups is not None:
        noise = noise + 0.7 * rng.standard_normal(scheme.groups)[groups]
    y = x @ np.full(scheme.width, 0.85 / scheme.width**0.5) + noise
    table, once = np.empty((2, scheme.seeds)), _Unheard()
    for seed in range(scheme.seeds):
        train, validation = drawn(scheme.resample, seed, count, scheme.size, {"groups": groups}, once)
        if scheme.keep is not None:
            train = rng.choice(train, scheme.keep, replace=False)
        table[:, seed] = [loss.mean() for loss in losses(rng, x[train], y[train], x[validation], y[validation])]
        if scheme.own is not None:
            fewer = rng.choice(train, scheme.own, replace=False)
            _, loss = losses(rng, x[fewer], y[fewer], x[validation], y[validation])
            table[1, seed] = loss.mean()
    return table, once.detail


def losses(rng: np.random.Generator, x: Any, y: Any, new_x: Any, new_y: Any) -> list[np.ndarray]:
    """Of both ways, for each new sample."""
    inner, right = x.T @ x, x.T @ y
    found = []
    for penalty in PENALTIES:
        weights = np.linalg.solve(inner + penalty * np.eye(len(inner)), right)
        found.append((new_y - new_x @ (weights + SHAKE * rng.standard_normal(len(weights)))) ** 2)
    return found


def truth(rng: np.random.Generator, scheme: Scheme, times: int) -> float:
    """The mean difference over data sets, splits and trainings."""
    one = replace(scheme, seeds=1)
    return float(np.mean([table[1, 0] - table[0, 0] for table, _ in (runs(rng, one) for _ in range(times))]))


def record(table: np.ndarray, detail: dict[str, Any], scheme: Scheme, plan: Plan | None = None) -> ExperimentRecord:
    """As a ledger has it."""
    made = experiment(table, plan or Plan((table.shape[1],)))
    notices = (Notice(NOTICE, detail=detail),)
    return replace(made, spec={**made.spec, "resample": scheme.resample}, notices=notices)


def one_split(rng: np.random.Generator, seeds: int, samples: int, shake: float) -> tuple[ExperimentRecord, float]:
    """Runs on one split, with their folds; and the true difference for new samples and new trainings."""
    weights = np.full(6, 0.35)
    x, new = rng.standard_normal((90, 6)), rng.standard_normal((samples, 6))
    y, new_y = x @ weights + rng.standard_normal(90), new @ weights + rng.standard_normal(samples)
    learned = [np.linalg.solve(x.T @ x + penalty * np.eye(6), x.T @ y) for penalty in PENALTIES]
    made = experiment(np.zeros((2, seeds)), Plan((seeds,)))
    runs = dict(made.runs)
    for key, run in made.runs.items():
        found = learned[made.arms.index(key.arm)] + shake * rng.standard_normal(6)
        loss = (new_y - new @ found) ** 2
        folds = {"val_loss": (fold_sums(np.arange(samples), loss),)}
        runs[key] = replace(run, metrics={"val_loss": (float(loss.mean()),)}, folds=folds)
    risks = [float(((one - weights) ** 2).sum()) for one in learned]
    return replace(made, runs=runs), risks[1] - risks[0]

"""Made-up experiments with known effects, for the tests of the statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from droplab.records import ExperimentRecord, RunKey, RunRecord

NAMES = ("fit_loss", "fit_accuracy", "val_loss", "val_accuracy", "gap", "images_per_second", "seconds")


def record(curves: Mapping[str, Sequence[Mapping[str, Sequence[float]]]]) -> ExperimentRecord:
    """From ``{arm: [one {metric: curve} per seed]}``; the first arm is the baseline."""
    runs = {}
    for arm, seeds in curves.items():
        for seed, given in enumerate(seeds):
            epochs = len(next(iter(given.values())))
            metrics = dict.fromkeys(NAMES, (0.0,) * epochs) | {k: tuple(v) for k, v in given.items()}
            runs[RunKey(arm, seed)] = RunRecord(RunKey(arm, seed), "done", epochs, "", metrics)
    return ExperimentRecord(
        name="made up",
        experiment_id="0",
        spec={"data": {"name": "none"}, "model": {"name": "none"}},
        arms=tuple(curves),
        baseline=next(iter(curves)),
        seeds=tuple(range(len(next(iter(curves.values()))))),
        epochs=epochs,
        runs=runs,
        sizes={"train": 45000, "fit": 5000, "validation": 5000, "test": 10000},
    )


def simulate(rng: np.random.Generator, seeds: int, *, effect: bool, epochs: int = 15) -> ExperimentRecord:
    """Two arms with noise like that of CIFAR-10 runs, with the prototype's effect or with none.

    Noise, as standard deviations: losses 0.017 and accuracies 0.006, the most that seeds differed by at the lowest
    validation loss of 2 × 5 runs on CIFAR-10 (docs/results/cifar10.md: 0.017 and 0.008; 0.005 and 0.003), half of
    it shared by the arms of a seed, correlated 0.5 from epoch to epoch. Without an effect every curve is flat and
    both arms have one mean. The prototype's effect, one seed on CIFAR-10, epochs from 1: without dropout loss
    0.812 at epoch 8 and 1.046 at 15, accuracy 0.735, training accuracy 0.919; with it 0.711 at 14, 0.758, 0.809.
    """
    time = np.arange(epochs)
    falling = np.exp(-time / 3)
    mean = {
        "a": {"val_loss": 0.8 + 0 * time, "val_accuracy": 0.735, "fit_accuracy": 0.9, "fit_loss": 0.3},
        "b": {"val_loss": 0.8 + 0 * time, "val_accuracy": 0.735, "fit_accuracy": 0.9, "fit_loss": 0.3},
    }
    if effect:
        mean["a"]["val_loss"] = 0.812 + 0.234 * np.clip((time - 7) / 7, 0, 1) + falling * (time < 7)
        mean["b"]["val_loss"] = 0.711 + 0.4 * falling
        mean["b"] |= {"val_accuracy": 0.758, "fit_accuracy": 0.809, "fit_loss": 0.55}
        mean["a"]["fit_accuracy"] = 0.919

    def noise(scale: float) -> np.ndarray:
        drawn = rng.normal(size=(2, epochs))
        for t in range(1, epochs):
            drawn[:, t] = 0.5 * drawn[:, t - 1] + np.sqrt(0.75) * drawn[:, t]
        return scale * drawn

    curves: dict[str, list[dict[str, np.ndarray]]] = {"a": [], "b": []}
    for _ in range(seeds):
        shared = {name: noise(0.017 if "loss" in name else 0.006)[0] for name in mean["a"]}
        for arm in "ab":
            own = {name: noise(0.017 if "loss" in name else 0.006)[0] for name in mean["a"]}
            run = {k: mean[arm][k] + np.sqrt(0.5) * (shared[k] + own[k]) for k in own}
            curves[arm].append({**run, "gap": run["val_loss"] - run["fit_loss"]})
    return record({arm: [{k: v.tolist() for k, v in run.items()} for run in runs] for arm, runs in curves.items()})

"""One experiment, in the files of many tools."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from droplab.ledger import Ledger
from droplab.records import Measurement
from droplab.testing.sinks import write_ledger

ARMS = ("no dropout", "dropout 0.5")
SEEDS, EPOCHS = 4, 5


def curves() -> dict[tuple[str, int], dict[str, list[float]]]:
    """Losses and accuracies by arm and seed; the second arm is better at its best epoch."""
    rng = np.random.default_rng(7)
    found = {}
    for place, arm in enumerate(ARMS):
        for seed in range(SEEDS):
            time = np.arange(EPOCHS)
            val = 0.6 - 0.1 * place + 0.05 * (time - 2) ** 2 + 0.01 * rng.standard_normal(EPOCHS)
            fit = 0.6 - 0.1 * time + 0.01 * rng.standard_normal(EPOCHS)
            right = 0.7 + 0.03 * place - 0.01 * (time - 2) ** 2 + 0.002 * rng.standard_normal(EPOCHS)
            figures = {"val_loss": val, "fit_loss": fit, "gap": val - fit, "val_accuracy": right}
            found[arm, seed] = {name: values.tolist() for name, values in figures.items()}
    return found


def ledger(folder: Path) -> Ledger:
    """The experiment in a ledger of droplab's."""
    made = write_ledger(folder, ARMS, SEEDS, EPOCHS)
    for key in made.progress():
        made.set_state(key, "running")
        of = curves()[key.arm, key.seed]
        for epoch in range(EPOCHS):
            made.commit_epoch(key, Measurement(epoch, {name: values[epoch] for name, values in of.items()}))
        made.set_state(key, "done")
    return made


def rows() -> list[dict[str, object]]:
    """A row for each run and epoch."""
    return [
        {"model": arm, "seed": seed, "epoch": epoch + 1} | {name: values[epoch] for name, values in of.items()}
        for (arm, seed), of in curves().items()
        for epoch in range(EPOCHS)
    ]


def same(ours: float, theirs: float, rel: float) -> bool:
    """Equal to within a number format; NaN equals NaN."""
    return math.isclose(ours, theirs, rel_tol=rel, abs_tol=rel) or (math.isnan(ours) and math.isnan(theirs))

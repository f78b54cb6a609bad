"""Ledgers that are written as training writes them, epoch by epoch."""

from __future__ import annotations

from pathlib import Path

from droplab.ledger import FILE_NAME, Ledger
from droplab.records import Histogram, Measurement, RunKey

ARMS = ("no dropout", "dropout 0.5")


def begin(folder: Path, *, arms=ARMS, seeds: int = 2, epochs: int = 6, name: str = "") -> Ledger:
    """An experiment of which nothing was trained yet."""
    spec = {
        "name": name or folder.name,
        "model": {"name": "tutorial-cnn"},
        "arms": [{"name": arm, "p": 0.5 * place} for place, arm in enumerate(arms)],
        "baseline": arms[0],
        "seeds": list(range(seeds)),
        "recipe": {"epochs": epochs, "batch_size": 32},
    }
    sizes = {"train": 100, "fit": 100, "validation": 50, "test": 50}
    design = {"spec": spec, "plan": {"executor": "serial"}, "calibration": {}, "sizes": sizes}
    folder.mkdir(parents=True, exist_ok=True)
    keys = [RunKey(arm, seed) for seed in range(seeds) for arm in arms]
    return Ledger.create(folder / FILE_NAME, design, keys, {"torch": "2"})


def epoch(ledger: Ledger, key: RunKey, number: int, *, shift: float = 0.0) -> None:
    """Commit an epoch, counted from 0."""
    arm = 0.2 if key.arm == ARMS[0] else 0.1
    loss = 1 / (number + 1) + arm + 0.01 * key.seed + shift
    metrics = {"val_loss": loss, "fit_loss": loss / 2, "train_loss": loss / 1.5, "val_accuracy": 1 - loss / 4}
    metrics |= {"fit_accuracy": 1 - loss / 5, "seconds": 1.0, "p/drop1": 0.5 * (arm < 0.2)}
    histogram = Histogram("parameter", "fc1.weight", -1.0, 1.0, (number + 1,) * 64)
    ledger.commit_epoch(key, Measurement(number, metrics, (histogram,), folds={"val_loss": ((loss, 50.0),)}))


def train(ledger: Ledger, key: RunKey, epochs: int, *, first: int = 0) -> None:
    """A whole run, or the rest of it."""
    ledger.set_state(key, "running")
    for number in range(first, epochs):
        epoch(ledger, key, number)
    ledger.set_state(key, "done")

"""Pages for the browser tests: real small experiments, hostile names, and a large made-up one."""

from __future__ import annotations

import math
import random

from droplab.analysis import judge
from droplab.records import ChangedImages, ExperimentRecord, RunKey, RunRecord
from droplab.report import PageSource
from tests.conftest import TINY

HOSTILE = (
    "<script>window.hacked=1</script>",
    "\"><img src=x onerror='window.hacked=1'>",
    "</script><b>'&amp;`${hacked}",
    "\u202eevil\u202c שלום 🙂 日本語",
)


def source(
    arms: tuple[str, ...], seeds: int, epochs: int, extra: tuple[str, ...] = (), state: str = "done", reason: str = ""
) -> PageSource:
    """Curves drawn from a fixed generator; good for looks and speed, never shown as a result."""
    rng = random.Random(0)
    runs = {}
    for place, arm in enumerate(arms):
        for seed in range(seeds):
            loss = [1 / math.sqrt(e + 1) + 0.1 * place + rng.gauss(0, 0.02) for e in range(epochs)]
            metrics = {
                "val_loss": loss,
                "fit_loss": [value / 2 for value in loss],
                "train_loss": [value / 1.5 for value in loss],
                "gap": [value / 2 for value in loss],
                "val_accuracy": [1 - value / 4 for value in loss],
                "fit_accuracy": [1 - value / 5 for value in loss],
                "train_accuracy": [1 - value / 4.5 for value in loss],
                "seconds": [rng.uniform(0.9, 1.1) for _ in range(epochs)],
                "images_per_second": [1000.0] * epochs,
                "p/drop1": [0.1 * place] * epochs,
                **{name: [rng.random() for _ in range(epochs)] for name in extra},
            }
            key = RunKey(arm, seed)
            runs[key] = RunRecord(key, state, epochs, reason, {k: tuple(v) for k, v in metrics.items()})
    record = ExperimentRecord(
        name=arms[-1],
        experiment_id="0" * 32,
        spec={
            **TINY,
            "model": {"name": "tutorial-cnn"},
            "arms": [{"name": arm, "p": 0.1 * place} for place, arm in enumerate(arms)],
        },
        arms=arms,
        baseline=arms[0],
        seeds=tuple(range(seeds)),
        epochs=epochs,
        runs=runs,
        sizes={"train": 100, "fit": 100, "validation": 50, "test": 50},
    )
    return PageSource(record, judge(record), "2026-01-01T00:00:00", 4, [{}], {}, {}, ChangedImages({}, "unfinished"))

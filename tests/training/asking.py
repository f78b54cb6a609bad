"""Small experiments on loops, and what of them is compared."""

from __future__ import annotations

import droplab
from tests.training.loops import Net, X

ARMS = [0, 0.5, {"name": "ramp", "p": 0.5, "schedule": "linear"}]
WITHOUT_CLOCK = {"seconds", "images_per_second"}


def compared(record):
    """All figures but those of the clock."""
    return {
        key: {name: values for name, values in run.metrics.items() if name not in WITHOUT_CLOCK}
        for key, run in record.runs.items()
    }


def one(loop, tmp_path, arms=(0.5,), measures=None, **options):
    """The record of an experiment of one seed."""
    return droplab.compare(
        loop, arms=list(arms), seeds=1, measures=measures or {"loss": "lower"}, out=tmp_path / "one", **options
    ).record


def reason(loop, tmp_path, **options):
    """Why its only run failed."""
    record = one(loop, tmp_path, **options)
    (run,) = record.runs.values()
    assert run.state == "failed"
    return run.reason


def short(run, model=None):
    """The rest of a loop that only has to end well."""
    model = model or run.prepare(Net)
    for _ in run.epochs(1):
        with run.step():
            model(X[:8]).sum().backward()
        run.report(val_loss=0.5)

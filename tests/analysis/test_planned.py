"""A ledger's design, folds and failures reach the verdict."""

from __future__ import annotations

import numpy as np
import pytest

from droplab.analysis import Plan, judge, next_seeds, plan_of
from droplab.ledger import FILE_NAME, Ledger, read_experiment
from droplab.records import Measurement, RunKey
from tests.foreign.files import curves

FOLDS, SIZE = 2, 50
ARMS = ("no dropout", "dropout 0.5")


@pytest.fixture
def folder(tmp_path):
    """Four seeds of two arms with folds; of the second arm one run diverged, and a machine lost another."""
    spec = {
        "name": "planned",
        "data": {"name": "none"},
        "model": {"name": "none"},
        "recipe": {"epochs": 5},
        "seeds": [0, 1, 2, 3],
        "arms": [{"name": arm} for arm in ARMS],
        "baseline": "",
    }
    design = {
        "spec": spec,
        "plan": {},
        "calibration": {},
        "sizes": {"train": 8, "fit": 8, "validation": FOLDS * SIZE},
        "endpoints": {"set": "2", "margin": 0.02, "looks": [3, 4], "alpha": 0.05},
    }
    keys = [RunKey(arm, seed) for seed in range(4) for arm in ARMS]
    with Ledger.create(tmp_path / FILE_NAME, design, keys) as ledger:
        for key in keys:
            ledger.set_state(key, "running")
            of = curves()[key.arm, key.seed]
            for epoch in range(5):
                figures = {name: values[epoch] for name, values in of.items()}
                loss = of["val_loss"][epoch]
                pairs = tuple((SIZE * (loss + apart), float(SIZE)) for apart in (0.05, -0.05))
                ledger.commit_epoch(key, Measurement(epoch, figures, folds={"val_loss": pairs}))
            ledger.set_state(key, "done")
    return tmp_path


def fail(folder, key, *, retry):
    with Ledger.open(folder / FILE_NAME) as ledger:
        ledger.set_state(key, "failed", "it diverged", retry=retry)


def test_the_ledgers_plan_and_folds_give_the_measure_as_deployed(folder):
    record = read_experiment(folder)
    assert plan_of(record) == Plan((3, 4), margin=0.02)
    verdict = judge(record)
    (found,) = verdict.primary.answers
    best = {key: min(of["val_loss"]) for key, of in curves().items()}  # both folds move alike, so that all choose one
    wanted = [best[ARMS[1], seed] - best[ARMS[0], seed] for seed in range(4)]
    assert (found.kind, found.look, found.says) == ("deployed", 4, "better")
    assert np.allclose(found.values, wanted)
    assert next_seeds(record, plan_of(record)).decided


def test_a_run_that_diverged_is_an_outcome_and_one_that_a_machine_lost_is_trained_again(folder):
    lost = RunKey(ARMS[1], 3)
    fail(folder, lost, retry=True)
    record = read_experiment(folder)
    (found,) = judge(record).primary.answers
    assert (found.look, found.failures.count, found.says) == (3, 0, "better")
    fail(folder, RunKey(ARMS[1], 1), retry=False)
    record = read_experiment(folder)
    (found,) = judge(record).primary.answers
    assert (found.failures.count, found.failures.of, found.why) == (1, 3, "failures")
    assert next_seeds(record, plan_of(record)).ended == {ARMS[1]: "failures"}

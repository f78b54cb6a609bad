"""SIGKILLs of experiments on loops: this process imports droplab once and forks for every one of them.

``python -m tests.execution.loop_kills EXECUTOR KILLS FOLDER`` prints counts as JSON; ``test_prove_loops.py`` starts it.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import droplab
from droplab.execution.checkpoint import CheckpointStore
from droplab.execution.folder import run_folder
from droplab.ledger import FILE_NAME, open_experiment
from droplab.training.digests import update
from tests.execution.attack import forked, warm
from tests.training import loops
from tests.training.asking import compared
from tests.training.test_epochs_of_steps import train as steps
from tests.training.test_reported_samples import sampled

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
RAMP = {"name": "ramp", "p": 0.5, "schedule": "linear"}
HELD = {"name": "held", "p": 0.1, "schedule": {"name": "adaptive-gap", "target": 0.01}}


class Case(NamedTuple):
    """A loop and what it is asked."""

    loop: Callable[..., Any]
    arms: list[Any]
    measures: dict[str, str]


CASES = {
    "regression": Case(loops.regression, [0.5, RAMP, HELD], loops.MEASURES),
    "two models": Case(loops.gan, [0, {"critic.*": 0.3}, RAMP], {"loss": "lower"}),
    "epochs of steps": Case(steps, [0.5, RAMP], {"loss": "lower"}),
    "samples": Case(sampled, [0.5, RAMP], {"loss": "lower"}),
    "examples/regression": Case(
        importlib.import_module("regression").train, [0.2, RAMP], {"mse": "lower", "mae": "lower"}
    ),
    "examples/gan": Case(
        importlib.import_module("gan").train, [0.2, {"critic.*": 0.2}], {"distance": "lower", "radius": "lower"}
    ),
}


def train(case: Case, folder: Path, executor: str) -> Callable[[], object]:
    compute = {"executor": executor, "threads": 1} | ({"workers": 2} if executor == "process" else {})
    return lambda: droplab.compare(
        case.loop, arms=case.arms, seeds=2, measures=case.measures, keep_samples=1, out=folder, compute=compute
    )


def all_of(folder: Path) -> bytes:
    """Every figure, fold, kept sample and last weight, read in a child: this process must not start threads."""
    place = folder.with_name(f"{folder.name}.figures")

    def write() -> None:
        found = []
        with open_experiment(folder) as ledger:
            record = ledger.read()
            figures = compared(record)
            for key, run in record.runs.items():
                assert run.state == "done", run.reason
                last = CheckpointStore(run_folder(folder, ledger.run_id(key))).final(record.epochs).state
                weights = hashlib.sha256()
                for name, prepared in last["models"].items():
                    for part, tensor in prepared["model"].items():
                        update(weights, f"{name}/{part}", tensor)
                found.append((str(key), figures[key], run.folds, ledger.samples(key), weights.hexdigest()))
        place.write_text(repr(found), encoding="utf-8")

    assert forked(write) == 0
    return place.read_bytes()


def epochs_in(folder: Path) -> int:
    """Epochs that the ledger has."""
    path = folder / FILE_NAME
    if not path.is_file():
        return 0
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        return db.execute("SELECT COUNT(*) FROM epoch_seals").fetchone()[0]
    return 0


def killed(work: Callable[[], object], folder: Path, wanted: int, wait: float, *, group: bool) -> bool:
    """Kill when the ledger has as many epochs, and a moment later; whether there was something to kill."""
    child = os.fork()
    if not child:
        os.setsid()
        os._exit(_done(work))
    while epochs_in(folder) < wanted:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.002)
    time.sleep(wait)
    if os.waitpid(child, os.WNOHANG)[0]:
        return False
    if group:
        os.killpg(child, signal.SIGKILL)
    else:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    time.sleep(0.2 if group else 1.0)  # workers of a killed driver see their pipe close and leave
    return True


def _done(work: Callable[[], object]) -> int:
    with suppress(Exception):
        work()
        return 0
    return 8


def attack(executor: str, wanted: int, home: Path) -> dict[str, int]:
    """Kill each experiment at random moments until it ends; it must end as if nothing had been."""
    found, rng = Counter(kills=0, experiments=0, stuck=0, differ=0), random.Random(1)
    names = list(CASES) if executor == "serial" else ["epochs of steps", "examples/gan"]
    expected: dict[str, bytes] = {}
    while found["kills"] < wanted or found["experiments"] < len(names):
        number = found["experiments"]
        case = CASES[names[number % len(names)]]
        name = names[number % len(names)].replace("/", " ")
        if name not in expected:
            assert forked(train(case, home / f"whole {name}", "serial")) == 0
            expected[name] = all_of(home / f"whole {name}")
        folder = home / f"killed {number}"
        for _ in range(6 if executor == "serial" else 3):
            more = epochs_in(folder) + rng.randrange(1, 5)
            group = bool(rng.randrange(3))
            if not killed(train(case, folder, executor), folder, more, rng.uniform(0, 0.06), group=group):
                break
            found["kills"] += 1
        again = forked(train(case, folder, executor))
        found["stuck"] += again != 0
        found["differ"] += again == 0 and all_of(folder) != expected[name]
        found["experiments"] += 1
    return dict(found)


if __name__ == "__main__":
    warm()
    executor, count, where = sys.argv[1:]
    print(json.dumps(attack(executor, int(count), Path(where))))

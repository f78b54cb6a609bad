"""From ledger to sink. A follower keeps nothing of its own, so it can begin at any time and heals what was missed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from droplab.errors import DroplabError, LockedError, SinkError
from droplab.ledger import OpenLedger, open_experiment, planned_epochs
from droplab.measures import kept_measures
from droplab.records import ENDED_STATES, ConcludingSink, Conclusion, RunKey, Sink, SinkRun
from droplab.tracking.registry import make_sink


def run_identity(experiment_id: str, key: RunKey) -> str:
    """16 hex digits that name a run everywhere.

    >>> len(run_identity("e", RunKey("a", 0)))
    16
    """
    return hashlib.sha256(f"{experiment_id}\n{key.arm}\n{key.seed}".encode()).hexdigest()[:16]


def sink_runs(ledger: OpenLedger) -> dict[RunKey, SinkRun]:
    """What sinks are told of each run of a ledger."""
    design = ledger.design()
    spec, identity = design["spec"], design["experiment_id"]
    arms = {arm["name"]: arm for arm in spec["arms"]}
    environment = (ledger.environments() or [{}])[0]
    shared = {
        "experiment_id": identity,
        "spec_hash": design.get("spec_hash", ""),
        "droplab": environment.get("droplab", ""),
        "plan": design["plan"],
        "environment": environment,
    }
    return {
        key: SinkRun(
            id=run_identity(identity, key),
            key=key,
            experiment=spec["name"],
            experiment_id=identity,
            config={**_as_trained(spec, arms[key.arm]), "arm": arms[key.arm], "seed": key.seed, **shared},
            epochs=planned_epochs(design),
            measures=kept_measures(design),
        )
        for key in ledger.progress()
    }


def _as_trained(spec: Mapping[str, Any], arm: Mapping[str, Any]) -> dict[str, Any]:
    """The spec with what the arm changes of recipe and data; settings of a guest's loop stand with the arm."""
    found = {key: value for key, value in spec.items() if key not in {"arms", "seeds"}}
    found["baseline"] = spec.get("baseline") or spec["arms"][0]["name"]
    for key, value in arm.get("recipe", {}).items() if "recipe" in spec else ():
        table = "data" if key == "train_size" else "recipe"
        found[table] = {**found.get(table, {}), key: value}
    return found


class Follower:
    """Sends a sink what the ledger has and the sink has not. Use it in a ``with``.

    Args:
        folder: the experiment's folder.
        sink: an open sink.
    """

    def __init__(self, folder: Path, sink: Sink) -> None:
        self._ledger = open_experiment(folder)
        self._sink = sink
        self._runs = sink_runs(self._ledger)
        self._sent: dict[RunKey, int] = {}
        self._ended: set[RunKey] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._ledger.close()

    def poll(self) -> None:
        """Send every epoch that is new; end runs that have ended."""
        progress = self._ledger.progress()
        if not progress.keys() <= self._runs.keys():
            self._runs = sink_runs(self._ledger)
        for key, (state, reason, done) in progress.items():
            if key in self._ended or (state == "planned" and not done):
                continue
            self._send(key, done)
            if state in ENDED_STATES:
                self._end(key, state, reason)

    def finish(self, conclusion: Conclusion | None = None) -> tuple[str, ...]:
        """Send what is new, end all runs, close the sink; lines for the user.

        Args:
            conclusion: what the experiment has shown, for sinks that take it.
        """
        if conclusion is not None and isinstance(self._sink, ConcludingSink):
            anew = set(self._sink.conclude(conclusion) or ())
            for key in [key for key, run in self._runs.items() if run.id in anew]:
                self._sent.pop(key, None)
                self._ended.discard(key)
        self.poll()
        for key, (state, reason, _) in self._ledger.progress().items():
            if key in self._sent and key not in self._ended:
                self._end(key, state, reason)
        return self._sink.close()

    def _send(self, key: RunKey, done: int) -> None:
        run = self._runs[key]
        if key not in self._sent:
            self._sent[key] = self._sink.start(run)
        while self._sent[key] < done:
            self._sink.epoch(run, self._ledger.measurement(key, self._sent[key]))
            self._sent[key] += 1

    def _end(self, key: RunKey, state: str, reason: str) -> None:
        self._sink.end(self._runs[key], state, reason)
        self._ended.add(key)


def mirror(folder: Path, name: str, conclusion: Conclusion | None = None) -> tuple[str, ...]:
    """Write a whole experiment to a sink, or what it missed; lines for the user.

    Args:
        folder: the experiment's folder.
        name: the sink's, as ``make_sink`` takes it.
        conclusion: what the experiment has shown, for sinks that take it.

    Raises:
        UserError: no experiment, no such sink, or its package is missing.
        LockedError: another process does the same.
        SinkError: the sink failed.
    """
    try:
        with _alone(folder, name), Follower(folder, make_sink(name, folder)) as follower:
            return follower.finish(conclusion)
    except DroplabError:
        raise
    except Exception as problem:
        raise SinkError(f"{name} failed: {type(problem).__name__}: {problem}") from problem


@contextmanager
def _alone(folder: Path, name: str) -> Iterator[None]:
    """Hold what a sink has of an experiment: two that look at once for what is missing would both write it."""
    lock = FileLock(folder / f".{re.sub(r'[^a-zA-Z0-9_.]', '-', name)}.lock")
    try:
        if folder.is_dir():  # else it would be made
            lock.acquire(timeout=0)
    except Timeout:
        raise LockedError(
            f"{folder} is being written to {name} by another process. Wait for it; the same command then writes what "
            "is missing still"
        ) from None
    except OSError:
        pass  # a folder that cannot be written hinders nobody
    try:
        yield
    finally:
        lock.release()

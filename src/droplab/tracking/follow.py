"""From ledger to sink. A follower keeps nothing of its own, so it can begin at any time and heals what was missed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Self

from droplab.errors import DroplabError, SinkError
from droplab.ledger import OpenLedger, open_experiment
from droplab.measures import kept_measures
from droplab.records import ENDED_STATES, RunKey, Sink, SinkRun
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
    shared = {key: value for key, value in spec.items() if key not in {"arms", "seeds"}}
    environment = (ledger.environments() or [{}])[0]
    return {
        key: SinkRun(
            id=run_identity(identity, key),
            key=key,
            experiment=spec["name"],
            experiment_id=identity,
            config={
                **shared,
                "arm": arms[key.arm],
                "seed": key.seed,
                "experiment_id": identity,
                "plan": design["plan"],
                "environment": environment,
            },
            epochs=spec["recipe"]["epochs"],
            measures=kept_measures(design),
        )
        for key in ledger.progress()
    }


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

    def finish(self) -> tuple[str, ...]:
        """Send what is new, end all runs, close the sink; lines for the user."""
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


def mirror(folder: Path, name: str) -> tuple[str, ...]:
    """Write a whole experiment to a sink, or what it missed; lines for the user.

    Raises:
        UserError: no experiment, no such sink, or its package is missing.
        SinkError: the sink failed.
    """
    sink = make_sink(name, folder)
    with Follower(folder, sink) as follower:
        try:
            return follower.finish()
        except DroplabError:
            raise
        except Exception as problem:
            raise SinkError(f"{name} failed: {type(problem).__name__}: {problem}") from problem

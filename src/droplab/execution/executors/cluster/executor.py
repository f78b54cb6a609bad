"""Runs as tasks of Ray's, named by arm and seed; whatever is lost on the way is carried out again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Self, final

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from droplab.errors import CheckpointError, FailureError, words_of
from droplab.execution.checkpoint import CheckpointStore
from droplab.execution.executors.base import Driver, Ending, RunSet
from droplab.execution.executors.cluster.connection import asked, connected
from droplab.execution.executors.cluster.mailbox import QUIT, Mailbox
from droplab.execution.executors.cluster.task import UNOPENED, carry_out
from droplab.execution.executors.process import PATIENCE_SECONDS, THREAD_VARIABLES
from droplab.execution.executors.worker import ANSWERED
from droplab.execution.plan import OpenRun, is_compared
from droplab.spec.tables import ComputeSpec

_POLL_SECONDS = 0.2
_ATTEMPTS = 3
"""So often in a row a run may be lost without an epoch of it having come."""
_AT_ONCE = 10_000
"""Runs that may wait for an answer at a time."""


@dataclass
class _Attempt:
    """A run on its way."""

    run: OpenRun
    store: CheckpointStore
    node: str = ""
    lost: int = 0
    """Attempts in a row that were lost without an epoch."""

    def told(self, kind: str, *rest: Any) -> None:
        """What the ledger has of the run by now, so that another node goes on there."""
        if kind == "restart":
            self.run = replace(self.run, epochs_in_ledger=0, measured={})
        elif kind == "epoch":
            (measured,) = rest
            series = {
                name: (*self.run.measured.get(name, ())[: measured.epoch], value)
                for name, value in measured.metrics.items()
                if is_compared(name, self.run.primary)
            }
            series = {**self.run.measured, **series}
            self.run = replace(self.run, epochs_in_ledger=measured.epoch + 1, measured=series)
            self.lost = 0

    def keep(self, epochs_done: int, reference: list[Any], keep: int) -> CheckpointError | None:
        """Write a checkpoint; where that fails it is the run's affair, as where a run writes its own."""
        try:
            self.store.put(epochs_done, ray.get(reference[0]), keep)
        except CheckpointError as problem:
            return problem
        return None

    def latest(self, at_most: int | None) -> tuple[int, list[Any]] | None:
        """The newest checkpoint: its epochs, and where its bytes are."""
        found = self.store.raw(at_most)
        return None if found is None else (found[0], [ray.put(found[1])])


@final
class RayExecutor:
    """Carries out runs on a cluster. Use it in a ``with``.

    Epochs and checkpoints come to this process as they happen, so a node may be lost at any moment: its runs begin
    again on another, after the last epoch that came.

    Args:
        run_set: is put into the cluster once; nodes fetch it once each.
        compute: the cluster's address, and what a run holds of it.
        cargo: data that the run set's ``open`` takes, put once as well.
    """

    def __init__(self, run_set: RunSet, compute: ComputeSpec, cargo: Any = None) -> None:
        self._run_set, self._compute, self._cargo = run_set, compute, cargo
        self._name = uuid.uuid4().hex
        self._stack = ExitStack()
        self._next = 0
        self._tasks: dict[Any, int] = {}
        self._attempts: dict[int, _Attempt] = {}

    def __enter__(self) -> Self:
        self._stack.enter_context(connected(self._compute, self._run_set.directory))
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        actor = ray.remote(num_cpus=0, max_restarts=0, max_concurrency=_AT_ONCE, scheduling_strategy=here)
        self._mailbox = actor(Mailbox).remote()
        self._letters = self._mailbox.take.remote(_POLL_SECONDS)
        self._sent = [ray.put(self._run_set)], [ray.put(self._cargo)]
        threads = self._run_set.plan.threads
        self._task = ray.remote(
            max_retries=0,
            runtime_env={"env_vars": dict.fromkeys(THREAD_VARIABLES, str(threads))},
            **asked(self._compute, threads),
        )(carry_out)
        return self

    def __exit__(self, *_exc: object) -> None:
        for task in self._tasks:
            ray.cancel(task, force=True)
        ray.kill(self._mailbox)
        self._stack.close()

    def run(self, runs: list[OpenRun], driver: Driver, stop: Callable[[], bool]) -> None:
        """See ``Executor``.

        Raises:
            FailureError: the cluster was lost, or a node cannot open the run set; finished epochs are kept.
        """
        try:
            self._carry_out(runs, driver, stop)
        except ray.exceptions.RayError as problem:
            raise FailureError(
                f"the Ray cluster was lost: {words_of(problem)}. Finished epochs are kept; the same command continues"
            ) from problem

    def _carry_out(self, runs: list[OpenRun], driver: Driver, stop: Callable[[], bool]) -> None:
        for run in runs:
            self._send(_Attempt(run, CheckpointStore(run.folder, driver.say)))
        asked_at = 0.0
        while self._tasks:
            if stop() and not asked_at:
                asked_at = time.monotonic()
                self._stop()
            if asked_at and time.monotonic() - asked_at > PATIENCE_SECONDS:
                self._give_up(driver)
            ready, _ = ray.wait([self._letters, *self._tasks], timeout=_POLL_SECONDS)
            if self._letters in ready:
                found = ray.get(self._letters)
                if found:
                    self._mailbox.answer.remote({number: self._heard(driver, *rest) for number, *rest in found})
                self._letters = self._mailbox.take.remote(_POLL_SECONDS)
            for task in [one for one in ready if one in self._tasks]:
                self._ended(driver, task, stopping=bool(asked_at))

    def _send(self, attempt: _Attempt) -> None:
        number, self._next = self._next, self._next + 1
        named = self._task.options(name=f"{attempt.run.key}")
        task = named.remote(self._mailbox, number, attempt.run, self._name, *self._sent)
        self._tasks[task] = number
        self._attempts[number] = attempt

    def _stop(self) -> None:
        """Runs that have begun hear of it; the others never begin."""
        self._mailbox.stop.remote()
        for task, number in list(self._tasks.items()):
            if not self._attempts[number].node:
                self._drop(task, number)

    def _give_up(self, driver: Driver) -> None:
        """Runs that were asked to stop long ago; their epoch in hand is given up either way."""
        for task, number in list(self._tasks.items()):
            if self._attempts[number].node:
                driver.ended(self._attempts[number].run.key, Ending("interrupted"))
            self._drop(task, number)

    def _drop(self, task: Any, number: int) -> None:
        ray.cancel(task, force=True)
        del self._tasks[task], self._attempts[number]

    def _heard(self, driver: Driver, number: int, message: tuple[Any, ...]) -> Any:
        """Do what a run tells; the answer is in a tuple, or says that the run is no longer wanted."""
        attempt = self._attempts.get(number)
        if attempt is None:  # it was given up, or taken for lost
            return QUIT
        kind, *rest = message
        if kind in ANSWERED:
            answer = getattr(driver, kind)(attempt.run.key, *rest)
            attempt.told(kind, *rest)
            return (answer,)
        if kind == "say":
            driver.say(rest[0])
            return (None,)
        if kind == "begun":
            if not attempt.node:
                driver.started(attempt.run.key)
            attempt.node = rest[0]
            driver.placed(attempt.run.key, attempt.node)
            return (None,)
        return (attempt.keep(*rest) if kind == "kept" else attempt.latest(*rest),)

    def _ended(self, driver: Driver, task: Any, *, stopping: bool) -> None:
        number = self._tasks.pop(task)
        attempt = self._attempts.pop(number)
        key = attempt.run.key
        try:
            ending: Ending = ray.get(task)
        except (ray.exceptions.RayTaskError, ray.exceptions.RuntimeEnvSetupError) as problem:
            raise FailureError(f"a node of the cluster could not begin a run: {words_of(problem)}") from problem
        except ray.exceptions.RayError as problem:
            if stopping:
                driver.ended(key, Ending("interrupted"))
                return
            attempt.lost += 1
            if attempt.lost < _ATTEMPTS:
                driver.say(f"{key} was lost on {attempt.node or 'its way'} and begins again after its last epoch")
                self._send(attempt)
                return
            ending = Ending("failed", f"its process was lost {_ATTEMPTS} times ({words_of(problem)})")
        if ending.state == UNOPENED:
            raise FailureError(f"the node {ending.reason}")
        driver.ended(key, ending)

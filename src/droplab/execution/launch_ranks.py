"""Port and checkpoints of ranks that train one model together: rank 0 speaks, all know the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, final

from droplab.records import Measurement, Notice
from droplab.training.port import Loaded, Port, Store
from droplab.training.ranks import Together


@final
class TogetherPort:
    """Rank 0's port, as all ranks see it."""

    def __init__(self, port: Port, ranks: Together) -> None:
        self._port, self._ranks = port, ranks

    def _once(self, tell: Callable[[], None]) -> None:
        self._ranks.first(tell)

    def stop(self) -> bool:
        return self._ranks.stop(self._port.stop)

    def planned(self, epochs: int) -> str:
        return self._ranks.first(lambda: self._port.planned(epochs))

    def epoch(self, measurement: Measurement) -> None:
        self._once(lambda: self._port.epoch(measurement))

    def restart(self) -> None:
        self._once(self._port.restart)

    def counted(self, epochs: int) -> None:
        self._port.counted(epochs)  # when rank 0's script has ended

    def notice(self, notice: Notice) -> None:
        if self._ranks.rank == 0:
            self._port.notice(notice)

    def also_in(self, sink: str, where: Mapping[str, str]) -> None:
        self._port.also_in(sink, where)  # of this rank alone

    def say(self, text: str) -> None:
        self._port.say(text if self._ranks.rank == 0 else f"rank {self._ranks.rank}: {text}")


@final
class TogetherStore:
    """Each rank's state in a folder of its own; they continue with the last epoch that all have."""

    def __init__(self, store: Store, ranks: Together) -> None:
        self._store, self._ranks = store, ranks

    def check(self, state: dict[str, Any]) -> None:
        self._store.check(state)

    def save(self, epochs_done: int, state: dict[str, Any], *, keep: int) -> None:
        """Written on all ranks before any goes on; one file more than elsewhere stays, as another rank may lack it."""
        del keep
        self._store.save(epochs_done, state, keep=2)
        self._ranks.barrier()

    def latest(self, at_most: int | None = None) -> Loaded | None:
        while True:
            found = self._store.latest(at_most)
            done = found.epochs_done if found else 0
            lowest = self._ranks.lowest(done)
            highest = -self._ranks.lowest(-done)
            if lowest == highest:
                return found
            at_most = lowest

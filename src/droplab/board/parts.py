"""A page's data in parts, each with the version at which it changed: a reader is sent what it has not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from droplab.records import RunRecord


def to_json(value: Any) -> str:
    """Compact JSON; a number that JSON does not have is an error."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


class Parts:
    """Everything of a page's payload: ``runs``, which change with every epoch, and all else by its key."""

    def __init__(self) -> None:
        self.version = 0
        self._texts: dict[str, tuple[int, str]] = {}
        self._runs: list[tuple[int, RunRecord, bool]] = []
        self._made: dict[int, tuple[int, str]] = {}

    def set(self, values: Mapping[str, Any]) -> None:
        """Take parts; those that are what they were keep their versions."""
        texts = {key: to_json(value) for key, value in values.items()}
        fresh = {key: text for key, text in texts.items() if self._texts.get(key, (0, ""))[1] != text}
        if fresh:
            self.version += 1
            self._texts |= {key: (self.version, text) for key, text in fresh.items()}

    def set_runs(self, runs: Sequence[RunRecord], spared: Callable[[RunRecord], bool]) -> None:
        """Take all runs, in their order; a record that is the same object has not changed."""
        found = [(run, spared(run)) for run in runs]
        before = [(run, idle) for _, run, idle in self._runs]
        same = [i < len(before) and before[i][0] is run and before[i][1] == idle for i, (run, idle) in enumerate(found)]
        if all(same) and len(found) == len(before):
            return
        self.version += 1
        self._runs = [self._runs[i] if same[i] else (self.version, run, idle) for i, (run, idle) in enumerate(found)]

    @property
    def whole(self) -> bool:
        """Whether a page can be made."""
        return "verdict" in self._texts

    def payload(self, make: Callable[[RunRecord, bool], Any]) -> str:
        """All of it, as one JSON object."""
        others = [f"{to_json(key)}:{text}" for key, (_, text) in self._texts.items()]
        runs = ",".join(self._run(place, make) for place in range(len(self._runs)))
        return "{" + ",".join([*others, f'"runs":[{runs}]']) + "}"

    def since(self, version: int, make: Callable[[RunRecord, bool], Any]) -> str | None:
        """What changed after a version, as one JSON object; ``None`` where nothing did."""
        if version >= self.version:
            return None
        parts = [f"{to_json(key)}:{text}" for key, (at, text) in self._texts.items() if at > version]
        runs = [f'"{i}":{self._run(i, make)}' for i, (at, _, _) in enumerate(self._runs) if at > version]
        count = len(self._runs)
        return f'{{"count":{count},"parts":{{{",".join(parts)}}},"runs":{{{",".join(runs)}}}}}'

    def _run(self, place: int, make: Callable[[RunRecord, bool], Any]) -> str:
        at, run, idle = self._runs[place]
        made = self._made.get(place)
        if made is None or made[0] != at:
            made = self._made[place] = (at, to_json(make(run, idle)))
        return made[1]

"""What a figure is drawn from: the data that the page is sent, unpacked, with its words in one language."""

from __future__ import annotations

import base64
import math
from array import array
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from droplab.report.figures.reading import Reading
from droplab.report.figures.themes import Look, looks
from droplab.report.locale import Speaker
from droplab.report.stops import SIGNS

_MEANINGS = {letter: name for name, letter in SIGNS.items()}
_NAN = math.nan
_FIGURES = ("before", "after", "mean", "low", "high")
SLOPES = 4
"""Charts of slopes or doses at most."""


class Line(NamedTuple):
    """A question that is asked of every arm."""

    endpoint: str
    role: str
    kind: str
    metric: str
    unit: str
    claim: int
    better: int
    """+1 where higher is better."""


class Run(NamedTuple):
    """One training."""

    arm: str
    seed: int
    state: str
    epochs: int
    metrics: Mapping[str, Mapping[str, Any]]


class _Grid(NamedTuple):
    seeds: tuple[int, ...]
    numbers: Sequence[float]
    says: str


class Sheet:
    """The page's data, with the arm that is shown beside the baseline.

    Args:
        data: what the page is sent, or as much of it as figures need.
        lang: language of the words.
        arm: the arm that is shown; where empty, the one that the page shows first.
    """

    def __init__(self, data: Mapping[str, Any], lang: str, arm: str = "") -> None:
        self.data = data
        self.lang = lang
        self._words: Mapping[str, str] = data["words"][lang]
        self._speaker = Speaker(lang)
        experiment = data["experiment"]
        self.name: str = experiment["name"]
        self.baseline: str = experiment["baseline"]
        self.arms: list[str] = experiment["arms"]
        self.others = [name for name in self.arms if name != self.baseline]
        self.epochs: list[int] = data["stops"]["epochs"]
        self.lines = [Line(**line) for line in data["stops"]["lines"]]
        self.doses: Mapping[str, float] | None = data["doses"]
        keys = ("arm", "seed", "state", "epochs", "metrics")
        self.runs = [Run(**{key: run[key] for key in keys}) for run in data["runs"]]
        self._places = {(run.arm, run.seed): place for place, run in enumerate(self.runs)}
        self._grids = {
            (one["endpoint"], one["arm"]): _Grid(tuple(one["seeds"]), unpacked(one["numbers"], "f"), one["says"])
            for one in data["stops"]["figures"]
        }
        self._rows = {endpoint: unpacked(packed, "f") for endpoint, packed in data["stops"]["runs"].items()}
        self._tested = {(effect["endpoint"], effect["arm"]): effect for effect in data["effects"]}
        self._series: dict[tuple[int, str], Sequence[float]] = {}
        self.arm = arm or self._first()

    def say(self, key: str, **values: Any) -> str:
        """A text of the page, or of figures (``figure.…``), with its placeholders filled."""
        if key.startswith("figure."):
            return self._speaker(key, **values)
        return self._speaker.fill(self._words[key], **values) if values else self._words[key]

    def has(self, key: str) -> bool:
        """Whether the page has such a text."""
        return key in self._words

    def title(self, line: Line) -> str:
        """A question's name."""
        return self._words[f"line.{line.endpoint}"]

    def metric(self, name: str) -> str:
        """A metric's name, translated where it is well known."""
        known = self._words.get(f"metric.{name}")
        if known:
            return known
        kind, slash, rest = name.partition("/")
        prefix = self._words.get(f"metric.{kind}/") if slash else None
        return f"{prefix} {rest}" if prefix else name

    def unit(self, unit: str, *, level: bool = False) -> str:
        """A unit in brackets, of levels or of differences; empty where none is known."""
        key = f"figure.unit.{unit}{'.level' if level and unit == 'share' else ''}"
        return f" ({self._speaker(key)})" if self._speaker.knows(key) else ""

    def metric_unit(self, name: str) -> str:
        """The unit of a metric; empty where none is known."""
        known: Mapping[str, str] = self.data["measures"]["units"]
        return known.get(name) or next((line.unit for line in self.lines if line.metric == name), "")

    @property
    def compared(self) -> bool:
        """Whether any arm has a finished seed beside the baseline."""
        return any(arm != self.baseline and grid.seeds for (_, arm), grid in self._grids.items())

    @property
    def asked(self) -> list[Line]:
        """What has a line in the answer."""
        return [line for line in self.lines if line.role != "gap"]

    def reading(self, line: Line, arm: str = "") -> Reading:
        """A question of an arm, the shown one by default, as it was tested; else as it is described at the end."""
        arm = self.baseline if line.role == "rise" else arm or self.arm
        effect = self._tested.get((line.endpoint, arm))
        if effect is None:
            return self.described(line, arm, -1)
        found = self.described(line, arm, -1)
        if effect["seeds"]:
            before, after, mean, low, high = (_number(effect[key]) for key in _FIGURES)
            wide = (effect["adjusted_low"], effect["adjusted_high"])
            found = Reading(before, after, mean, low, high, None if None in wide else wide, "", tuple(effect["seeds"]))
        return found._replace(
            says=effect["consequence"],
            tested=True,
            at_least=effect["at_least"],
            margin=effect["margin"],
            needed=effect["needed"],
        )

    def described(self, line: Line, arm: str, place: int) -> Reading:
        """What was not tested: had training ended at a place of the grid."""
        grid = self._grids.get((line.endpoint, arm))
        if grid is None or not self.epochs:
            return Reading(_NAN, _NAN, _NAN, _NAN, _NAN, None, "open")
        size = len(self.epochs)
        at = place % size
        before, after, mean, low, high = (grid.numbers[part * size + at] for part in range(len(_FIGURES)))
        return Reading(before, after, mean, low, high, None, _MEANINGS[grid.says[at]], grid.seeds)

    def run_at(self, line: Line, arm: str, seed: int, place: int = -1) -> float:
        """The number of one run, had it ended at a place of the grid; NaN where it has none."""
        at = self._places.get((arm, seed))
        if at is None or not self.epochs:
            return _NAN
        size = len(self.epochs)
        rows = self._rows.get(line.endpoint)
        if rows is not None:
            return rows[at * size + place % size]
        curve = self.values(at, line.metric)
        return curve[min(self.epochs[place], len(curve)) - 1] if curve else _NAN

    def apart(self, line: Line, arm: str, seed: int, place: int = -1) -> float:
        """The difference of a seed between an arm and the baseline."""
        return self.run_at(line, arm, seed, place) - self.run_at(line, self.baseline, seed, place)

    def values(self, run: int, metric: str) -> Sequence[float]:
        """A run's metric, one value per epoch."""
        known = self._series.get((run, metric))
        if known is None:
            known = self._series[run, metric] = series(self.runs[run].metrics.get(metric))
        return known

    def looks(self, theme: str) -> dict[str, Look]:
        """How each arm with a run is drawn, in their order."""
        names = list(dict.fromkeys(run.arm for run in self.runs))
        doses = [self.doses[name] for name in names] if self.doses and len(names) > 2 else None
        return dict(zip(names, looks(names, doses, [self.baseline, self.arm], theme), strict=True))

    def _first(self) -> str:
        """The recommended arm, else the one with the best primary figure."""
        recommended: str = self.data["recommended"]
        if recommended != self.baseline:
            return recommended
        main = [effect for effect in self.data["effects"] if effect["finding"] in {0, 3}]
        ranked = [one for one in main if one["endpoint"] == main[0]["endpoint"] and one["mean"] is not None]
        if ranked:
            end = main[0]["endpoint"]
            sign = next((line.better for line in self.lines if line.endpoint == end), 1)
            best: str = max(ranked, key=lambda one: sign * one["mean"])["arm"]
            return best
        return self.others[0] if self.others else self.baseline


def unpacked(text: str, kind: str) -> Sequence[float]:
    """Numbers of a base64 text, ``f`` or ``d``."""
    found = array(kind)
    found.frombytes(base64.b64decode(text))
    return found


def series(packed: Mapping[str, Any] | None) -> Sequence[float]:
    """A metric's values, one per epoch; a constant is spelt out.

    >>> series({"c": 0.5, "n": 3}), series(None)
    ([0.5, 0.5, 0.5], [])
    """
    if packed is None:
        return []
    return [packed["c"]] * packed["n"] if "c" in packed else unpacked(packed["b"], "d")


def _number(value: float | None) -> float:
    return _NAN if value is None else value

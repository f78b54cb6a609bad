"""Figures read back: their marks as numbers, through the axes that are drawn beside them."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple
from xml.etree import ElementTree as ET

import numpy as np

from droplab.analysis import judge
from droplab.records import ChangedImages, ExperimentRecord, Histogram
from droplab.report import PageSource
from droplab.report.figures import draw, listed
from droplab.report.figures.lettering import width
from droplab.report.figures.sheet import Sheet
from droplab.report.figures.themes import LIGHT
from droplab.report.payload import drawn_data
from tests.analysis.records import simulate
from tests.report.pages import HOSTILE, source

_SVG = "{http://www.w3.org/2000/svg}"
_NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?|\.\d+)")


class Text(NamedTuple):
    words: str
    left: float
    top: float
    right: float
    bottom: float
    x: float
    y: float
    size: float
    anchor: str


class Read(NamedTuple):
    """An SVG, taken apart."""

    root: ET.Element
    width: float
    height: float
    texts: list[Text]

    def paths(self, **wanted: str) -> list[list[tuple[float, float]]]:
        """Points of lines with these attributes; steps spelt out."""
        return [
            line
            for path in self.root.iter(f"{_SVG}path")
            if all(path.get(key.replace("_", "-")) == value for key, value in wanted.items())
            for line in lines(path.get("d"))
        ]

    def rings(self) -> list[tuple[float, float]]:
        return [(float(c.get("cx")), float(c.get("cy"))) for c in self.root.iter(f"{_SVG}circle")]

    def said(self) -> str:
        return " ".join(text.words for text in self.texts)


def points(d: str) -> list[tuple[float, float]]:
    return [point for line in lines(d) for point in line]


def lines(d: str) -> list[list[tuple[float, float]]]:
    """A path's lines."""
    found: list[list[tuple[float, float]]] = []
    x = y = 0.0
    for letter, rest in re.findall(r"([MLHVhvl])([^A-Za-z]*)", d):
        numbers = [float(n) for n in _NUMBER.findall(rest)]
        if letter == "M":
            found.append([])
        steps = zip(numbers[::2], numbers[1::2], strict=True) if letter in "MLl" else ((n, n) for n in numbers)
        for across, down in steps:
            if letter in "ML":
                x, y = across, down
            elif letter == "l":
                x, y = x + across, y + down
            elif letter in "Hh":
                x = across if letter == "H" else x + across
            else:
                y = down if letter == "V" else y + down
            found[-1].append((x, y))
    return found


def read(svg: str) -> Read:
    root = ET.fromstring(svg)
    *_, wide, high = map(float, root.get("viewBox").split())
    texts = []
    for node in root.iter(f"{_SVG}text"):
        size = float(node.get("font-size", root.get("font-size")))
        anchor = node.get("text-anchor", "start")
        x, y = float(node.get("x")), float(node.get("y"))
        long = width(node.text, size, bold=node.get("font-weight") is not None)
        left = x - {"start": 0.0, "middle": long / 2, "end": long}[anchor]
        texts.append(Text(node.text, left, y - 0.75 * size, left + long, y + 0.2 * size, x, y, size, anchor))
    return Read(root, wide, high, texts)


def overlaps(found: Read) -> list[tuple[str, str]]:
    """Texts that lie over each other."""
    return [
        (a.words, b.words)
        for a, b in combinations(found.texts, 2)
        if min(a.right, b.right) - max(a.left, b.left) > 0.5 and min(a.bottom, b.bottom) - max(a.top, b.top) > 0.5
    ]


def outside(found: Read) -> list[str]:
    """Texts and points that leave the canvas."""
    wrong = [
        t.words for t in found.texts if t.left < 0 or t.right > found.width or t.bottom > found.height or t.top < 0
    ]
    every = [point for path in found.paths() for point in path] + found.rings()
    return wrong + [str(p) for p in every if not (0 <= p[0] <= found.width and 0 <= p[1] <= found.height)]


def upright(texts: list[Text], lift: float = 3.0):
    """From the numbers beside an axis to a function from pixels to numbers."""
    known = [(text.y - lift, number(text.words)) for text in texts]
    (y1, v1), (y2, v2) = known[0], known[-1]
    assert y1 != y2
    return lambda y: v1 + (y - y1) / (y2 - y1) * (v2 - v1)


def across(texts: list[Text]):
    known = [(text.x, number(text.words)) for text in texts]
    (x1, v1), (x2, v2) = known[0], known[-1]
    assert x1 != x2
    return lambda x: v1 + (x - x1) / (x2 - x1) * (v2 - v1)


def number(words: str) -> float:
    return float(words.replace("−", "-"))


def is_number(words: str) -> bool:
    return bool(re.fullmatch(r"[−+]?\d+(\.\d+)?(e-?\d+)?", words))


def of(record: ExperimentRecord, lang: str = "en", arm: str = "", histograms=None) -> Sheet:
    empty = ChangedImages({}, "")
    data = drawn_data(PageSource(record, judge(record), "", 1, [], {}, histograms or {}, empty))
    return Sheet(data, lang, arm)


def two() -> ExperimentRecord:
    made = simulate(np.random.default_rng(1), 5, effect=True)
    return replace(made, spec={**made.spec, "arms": [{"name": "a", "p": 0.0}, {"name": "b", "p": 0.5}]})


def doses() -> ExperimentRecord:
    return source(("none", "low", "middle", "high"), seeds=4, epochs=8).record


LONG = (
    "no dropout at all, as the tutorial has it, with everything else equal",
    "ドロップアウトを全結合層の入力に〇・五の率で入れた条件",
    *HOSTILE,
)


def hostile() -> ExperimentRecord:
    made = source(LONG, seeds=2, epochs=12).record
    arms = [{"name": arm, "kind": f"k{place}", "p": 0.5} for place, arm in enumerate(LONG)]
    return replace(made, spec={**made.spec, "arms": arms})


def many() -> ExperimentRecord:
    names = tuple(f"arm number {place}" for place in range(40))
    made = source(names, seeds=3, epochs=12).record
    arms = [{"name": arm, "kind": f"k{place}", "p": 0.5} for place, arm in enumerate(names)]
    return replace(made, spec={**made.spec, "arms": arms})


def spread(record: ExperimentRecord) -> dict:
    """Histograms of two tensors, wider for later arms."""
    return {
        key: {
            epoch: tuple(
                Histogram(kind, layer, -1.0 - place - epoch / 10, 1.0, tuple(range(64)))
                for layer in ("fc1.weight", "fc1.bias")
                for kind in ("gradient", "parameter")
            )
            for epoch in range(3)
        }
        for place, key in enumerate(record.runs)
    }


RECORDS = {"two": two, "doses": doses, "hostile": hostile, "many": many}


def every(sheet: Sheet, width: str = "170mm", theme=LIGHT) -> dict[str, str]:
    """Each kind of figure that there is, and the first two parts of each."""
    names = []
    for one in listed(sheet):
        kin = [name for name in names if name.partition(".")[0] == one.name.partition(".")[0]]
        if not one.why and len(kin) < 3:
            names.append(one.name)
    return {name: draw(sheet, name, theme, width).svg for name in names}

"""Measures in words: those of the house's loop have names in every language, others are called by their own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from droplab.analysis import Endpoint
from droplab.measures import PARTS
from droplab.records import Measure
from droplab.report.locale import Speaker


def word(measure: Measure, say: Speaker) -> str:
    """A measure's name in a language."""
    key = f"measure.{measure.name}"
    return say(key) if say.knows(key) else say("measure.own", name=measure.name)


def said(say: Speaker, key: str, measure: Measure, **values: Any) -> str:
    """A text about a measure."""
    return _tidy(say(key, measure=word(measure, say), **values))


def heading(say: Speaker, key: str, measure: Measure) -> str:
    """A column's heading: short, shares in percent."""
    short = f"measure.{measure.name}.short"
    name = say(short) if say.knows(short) else word(measure, say)
    return _tidy(say(key, measure=f"{name} %" if measure.unit == "share" else name))


def of_measures(say: Speaker, key: str, measures: Iterable[Measure]) -> str:
    """The key of a text: one that is made for exactly these measures, or that for any.

    >>> from droplab.records import CLASSIFICATION
    >>> of_measures(Speaker("en"), "finding.2", CLASSIFICATION), of_measures(Speaker("en"), "finding.2", ())
    ('finding.2.loss.accuracy', 'finding.2')
    """
    special = ".".join((key, *(measure.name for measure in measures)))
    return special if say.knows(special) else key


def endpoint(say: Speaker, end: Endpoint) -> str:
    """An endpoint's name."""
    if end.role == "turn":
        return say("endpoint.turning_epoch")
    if end.role == "gap":
        as_trained = end.minus.startswith("train_")
        return said(say, "endpoint.gap_as_trained" if as_trained else "endpoint.gap", end.measure)
    return said(say, f"endpoint.{end.role}", end.measure)


def metric_names(say: Speaker, measures: Iterable[Measure]) -> dict[str, str]:
    """What a loop may report of measures, in words.

    >>> from droplab.records import CLASSIFICATION
    >>> metric_names(Speaker("en"), CLASSIFICATION)["fit_loss"]
    'training loss (eval mode)'
    """
    names: dict[str, str] = {}
    for measure in measures:
        names |= {f"{part}_{measure.name}": said(say, f"metric.{part}", measure) for part in PARTS}
        names[measure.name] = names[f"val_{measure.name}"]
    return names


def _tidy(text: str) -> str:
    """One blank at most, and none before the punctuation of Japanese.

    >>> _tidy("検証 f1 、")
    '検証 f1、'
    """
    return re.sub(r" +(?=[、。：（）]|$)", "", re.sub(r" {2,}", " ", text))

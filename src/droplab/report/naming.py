"""Measures in words: those of the house's loop have names in every language, others are called by their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from droplab.analysis import Endpoint
from droplab.measures import PARTS
from droplab.records import Measure
from droplab.report.locale import Speaker, texts


def word(measure: Measure, say: Speaker) -> str:
    """A measure's name in a language."""
    key = f"measure.{measure.name}"
    return say(key) if say.knows(key) else say("measure.own", name=measure.name)


def said(say: Speaker, key: str, measure: Measure, **values: Any) -> str:
    """A text about a measure, which it calls ``{measure}``."""
    return _about(say, key, word(measure, say), **values)


def heading(say: Speaker, key: str, measure: Measure) -> str:
    """A column's heading: short, shares in percent."""
    short = f"measure.{measure.name}.short"
    name = say(short) if say.knows(short) else word(measure, say)
    return _about(say, key, f"{name} %" if measure.unit == "share" else name)


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


def metric_words(measures: Iterable[Measure], lang: str) -> dict[str, str]:
    """Metrics in words: what every loop measures, and what it may report of measures.

    >>> from droplab.records import CLASSIFICATION
    >>> metric_words(CLASSIFICATION, "en")["fit_loss"]
    'training loss (eval mode)'
    """
    say, page = Speaker(lang), "page.metric."
    names = {key.removeprefix(page): text for key, text in texts(lang).items() if key.startswith(page)}
    for measure in measures:
        names |= {f"{part}_{measure.name}": said(say, f"metric.{part}", measure) for part in PARTS}
        names[measure.name] = names[f"val_{measure.name}"]
    return names


def with_measure(text: str, measure: Measure, lang: str) -> str:
    """A text in which ``{measure}`` is the measure's name, and other placeholders are left."""
    return _tidy(text.replace("{measure}", word(measure, Speaker(lang)))) if "{measure}" in text else text


def line(say: Speaker, end: Endpoint, kind: str, measure: Measure) -> str:
    """What a line of the answer is called; ``kind`` is that of the primary question."""
    role = "deployed" if end.role == "deployed" else end.role
    if role == "deployed":
        key = f"line.{kind}"
    elif role == "gap":
        key = "line.gap_as_trained" if end.minus.startswith("train_") else "line.gap"
    else:
        key = f"line.{role}"
    return said(say, key, measure)


def report_words(measures: Sequence[Measure], lang: str) -> dict[str, str]:
    """The words of a report of curves: its headings and its metrics."""
    say, head = Speaker(lang), "report."
    words = {key.removeprefix(head): said(say, key, measures[0]) for key in texts(lang) if key.startswith(head)}
    return {**words, **metric_words(measures, lang)}


def _about(say: Speaker, key: str, name: str, **values: Any) -> str:
    return say.fill(_tidy(say.template(key).replace("{measure}", name)), **values)  # names have no braces


def _tidy(text: str) -> str:
    """One blank at most, and none beside the punctuation of Japanese or at an end.

    >>> _tidy(" f1 の上昇： f1 、")
    'f1 の上昇：f1、'
    """
    return re.sub(r" *([、。：（）「」]) *", r"\1", re.sub(r" {2,}", " ", text.strip()))

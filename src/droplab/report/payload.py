"""What the page draws, as plain values ready for JSON; drawing itself is the front end's business."""

from __future__ import annotations

import base64
import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from droplab.analysis import Effect, Questions, Stopping, Verdict, stopping, thin
from droplab.analysis.student import quantile
from droplab.contents import NOTHING, ChangedSamples
from droplab.languages import LANGUAGES
from droplab.measures import GAP, PARTS
from droplab.records import ELSEWHERE, ChangedImages, ExperimentRecord, Histogram, RunKey, RunRecord
from droplab.report.command import command, toml
from droplab.report.decision import decision, failures
from droplab.report.dose import doses
from droplab.report.locale import Speaker, texts
from droplab.report.method import alike, method
from droplab.report.naming import metric_words, said, with_measure
from droplab.report.png import data_address
from droplab.report.ribbons import ribbons
from droplab.report.samples import samples
from droplab.report.stops import before_and_after, line_names, stops
from droplab.report.wording import wording

FORMAT = 2
HISTOGRAM_EPOCHS = 60
"""At most that many epochs of a run's histograms are drawn; the first and the last always are."""
HISTOGRAM_RUNS = 12
"""Of larger experiments, only the first seed of each arm shows its histograms."""

Histograms = Mapping[int, Sequence[Histogram]]


class PageSource(NamedTuple):
    """Everything that a page is made of."""

    record: ExperimentRecord
    verdict: Verdict
    created: str
    steps_per_epoch: int
    environments: Sequence[Mapping[str, Any]]
    plan: Mapping[str, Any]
    histograms: Mapping[RunKey, Histograms]
    changed: ChangedImages
    samples: ChangedSamples = NOTHING


def payload(source: PageSource, lang: str) -> dict[str, Any]:
    """The page's data; every number that JSON cannot hold is ``None``.

    Args:
        source: the experiment.
        lang: language in which the page opens; all languages are inside.
    """
    return {**beside_runs(source, lang), "runs": _runs(source)}


def beside_runs(source: PageSource, lang: str) -> dict[str, Any]:
    """The page's data but for ``runs``, which change with every epoch."""
    record, keys = source.record, list(source.record.runs)
    data = _drawn_beside_runs(source)
    data["experiment"] |= {"command": command(record)}
    return {
        "format": FORMAT,
        "lang": lang,
        **data,
        "verdict": {code: _named(wording(source.verdict, record, code)) for code in LANGUAGES},
        "failed": {code: _named(failures(record, code)) for code in LANGUAGES},
        "histograms": [
            {"run": keys.index(key), **item}
            for key in _histogram_runs(record, source.histograms)
            for item in _histograms(source.histograms[key])
        ],
        "changed": _changed(source.changed),
        "samples": samples(source.samples),
        "toml": toml(record.spec),
        "method": {code: list(method(source.verdict, record, code)) for code in LANGUAGES},
        "plan": dict(source.plan),
        "environments": [dict(found) for found in source.environments],
        "notes": [
            {"time": event.time, "run": str(event.run) if event.run else "", "text": str(event.detail.get("text", ""))}
            for event in record.events
            if event.kind in {"user note", "note"}
        ],
    }


def drawn_data(source: PageSource) -> dict[str, Any]:
    """As much of the page's data as its figures are drawn from, which needs no spec to be read again."""
    return {**_drawn_beside_runs(source), "runs": _runs(source)}


def _runs(source: PageSource) -> list[dict[str, Any]]:
    record, verdict = source.record, source.verdict
    return [run_data(run, record, verdict.questions, spared=run.key in verdict.spared) for run in record.runs.values()]


def _drawn_beside_runs(source: PageSource) -> dict[str, Any]:
    record, keys, asked = source.record, list(source.record.runs), source.verdict.questions
    found = stopping(record, source.verdict)
    return {
        "words": {code: _page_words(code, asked) | line_names(source.verdict, found, code) for code in LANGUAGES},
        "decision": {code: _named(decision(source.verdict, record, code)) for code in LANGUAGES},
        "effects": [_effect(effect, source.verdict, found) for effect in source.verdict.effects],
        "stops": stops(record, source.verdict, found),
        "doses": doses(record),
        "recommended": source.verdict.recommended,
        "measures": _measures(asked),
        "t": [quantile(0.975, df) for df in range(1, max(2, len(keys)))],
        "experiment": {
            "name": record.name,
            "id": record.experiment_id,
            "created": source.created,
            "epochs": record.epochs,
            "steps": source.steps_per_epoch,
            "baseline": record.baseline,
            "seconds": {one.arm: _finite(one.seconds) for one in source.verdict.summaries},
            "alike": alike(record),
            "arms": list(record.arms),
            "seeds": list(record.seeds),
            "sizes": dict(record.sizes),
            "openings": None if ELSEWHERE in record.spec else record.test_openings,
            "done": sum(run.state == "done" for run in record.runs.values()),
        },
        "ribbons": ribbons(record, source.histograms),
    }


def _page_words(lang: str, asked: Questions) -> dict[str, str]:
    say = Speaker(lang)
    words = {
        key.removeprefix("page."): with_measure(text, asked.primary, lang)
        for key, text in texts(lang).items()
        if key.startswith("page.")
    }
    words |= {f"metric.{name}": text for name, text in metric_words(asked.measures, lang).items()}
    words |= {f"table.{end.name}": said(say, f"column.{end.role}", end.measure) for end in (*asked.fit, *asked.judged)}
    return {**words, "table.best": said(say, f"column.best.{asked.primary.better}", asked.primary)}


def _measures(asked: Questions) -> dict[str, Any]:
    """Which metrics stand first, are drawn at first, and are columns of the table; whose best value is shown."""
    names = [measure.name for measure in asked.measures]
    val = [name for measure in names for name in (f"val_{measure}", measure)]
    fit, train = [f"fit_{name}" for name in names], [f"train_{name}" for name in names]
    costs = [end.name for end in asked.fit if end.measure is not asked.primary]
    return {
        "first": [*val, GAP, *fit, *train],
        "drawn": [*val, GAP, *fit, train[0]],
        "columns": [*(end.name for end in asked.judged), *costs, *([GAP] if asked.gap else [])],
        "best": asked.turn,
        "better": asked.primary.better,
        "units": {
            name: measure.unit
            for measure in asked.measures
            for name in (measure.name, *(f"{part}_{measure.name}" for part in PARTS))
        },
    }


def _named(value: Any) -> Any:
    """Named tuples as dictionaries, all the way down."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {key: _named(item) for key, item in value._asdict().items()}
    if isinstance(value, tuple):
        return [_named(item) for item in value]
    return value


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


_LARGEST = 3.4e38


def _single(value: float) -> float:
    """The nearest number that float32 has."""
    return max(-_LARGEST, min(_LARGEST, value))


def _effect(effect: Effect, verdict: Verdict, found: Stopping) -> dict[str, Any]:
    before, after = before_and_after(effect, found)
    return {
        "endpoint": effect.endpoint,
        "finding": effect.finding,
        "arm": effect.arm,
        "baseline": effect.baseline,
        "before": _finite(before),
        "after": _finite(after),
        "mean": _finite(effect.mean),
        "low": _finite(effect.low),
        "high": _finite(effect.high),
        "adjusted_low": _finite(effect.adjusted_low),
        "adjusted_high": _finite(effect.adjusted_high),
        "margin": verdict.primary.plan.margin if verdict.primary and effect.role == "deployed" else None,
        "consequence": verdict.consequence(effect),
        "needed": effect.seeds_needed,
        "at_least": effect.at_least,
        "seeds": list(effect.seeds),
        "values": [_finite(value) for value in effect.values],
    }


def run_data(run: RunRecord, record: ExperimentRecord, asked: Questions, *, spared: bool) -> dict[str, Any]:
    """One run as the page has it.

    Args:
        run: one of the record's.
        record: the experiment.
        asked: its questions.
        spared: whether it was planned and is not needed.
    """
    metrics = dict(run.metrics)
    if asked.gap is not None and GAP not in metrics and (gap := asked.gap.curve(run)):
        metrics[GAP] = gap
    arm = next(arm for arm in record.spec["arms"] if arm["name"] == run.key.arm)
    fields = {f"arm.{key}": value for key, value in flatten(arm)}
    fields["seed"] = run.key.seed
    shared = {key: value for key, value in record.spec.items() if key not in {"arms", "seeds", "baseline"}}
    fields.update(flatten(shared))
    if "recipe" in record.spec:  # by which the arm is trained, and found
        for key, value in arm.get("recipe", {}).items():
            fields.update(flatten({key: value}, "data" if key == "train_size" else "recipe"))
    return {
        "arm": run.key.arm,
        "seed": run.key.seed,
        "state": "spared" if spared else run.state,
        "reason": run.reason,
        "epochs": run.epochs_done,
        "fields": {key: _field(value) for key, value in fields.items()},
        "metrics": {name: _series(values) for name, values in metrics.items()},
    }


def flatten(values: Mapping[str, Any], path: str = "") -> Iterable[tuple[str, Any]]:
    """Nested tables as dotted names.

    >>> dict(flatten({"recipe": {"lr": 0.1}, "seed": 0}))
    {'recipe.lr': 0.1, 'seed': 0}
    """
    for key, value in values.items():
        name = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping) and value:
            yield from flatten(value, name)
        else:
            yield name, value


def _field(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def _series(values: Sequence[float]) -> dict[str, Any]:
    """A constant as one number, anything else as base64 of little-endian float64 (NaN and infinity stay)."""
    if values and math.isfinite(values[0]) and all(value == values[0] for value in values):
        return {"c": values[0], "n": len(values)}
    return {"b": _base64(array("d", values))}


def _base64(numbers: array[Any]) -> str:
    return base64.b64encode(numbers.tobytes()).decode()  # every platform that torch runs on is little-endian


def _histogram_runs(record: ExperimentRecord, found: Mapping[RunKey, Histograms]) -> list[RunKey]:
    keys = [key for key in record.runs if found.get(key)]
    if len(keys) <= HISTOGRAM_RUNS:
        return keys
    first: dict[str, RunKey] = {}
    for key in keys:
        first.setdefault(key.arm, key)
    return list(first.values())


def _histograms(by_epoch: Histograms) -> Iterable[dict[str, Any]]:
    """Per tensor: its epochs, edges, and each bin's share of that epoch's fullest bin, in 255 steps."""
    epochs = thin(sorted(by_epoch), HISTOGRAM_EPOCHS)
    tensors: dict[tuple[str, str], list[tuple[int, Histogram]]] = {}
    for epoch in epochs:
        for item in by_epoch[epoch]:
            tensors.setdefault((item.kind, item.layer), []).append((epoch, item))
    for (kind, layer), items in tensors.items():
        edges = array("f", [edge for _, item in items for edge in (_single(item.low), _single(item.high))])
        shares = array("B")
        for _, item in items:
            most = max(item.counts) or 1
            shares.extend(round(255 * count / most) for count in item.counts)
        yield {
            "kind": kind,
            "layer": layer,
            "epochs": [epoch + 1 for epoch, _ in items],
            "edges": _base64(edges),
            "shares": _base64(shares),
        }


def _changed(changed: ChangedImages) -> dict[str, Any]:
    arms = [
        {
            "arm": arm,
            "images": [
                {
                    "index": image.index,
                    "truth": image.truth,
                    "png": data_address(image.pixels, image.width, image.height, image.channels),
                    "before": image.before,
                    "after": image.after,
                    "said_before": list(image.said_before),
                    "said_after": list(image.said_after),
                }
                for image in images
            ],
        }
        for arm, images in changed.arms.items()
    ]
    return {"why_not": changed.why_not, "arms": arms}

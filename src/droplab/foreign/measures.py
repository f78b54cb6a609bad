"""Which figures others' runs are judged by: ``val_loss``, ``eval/f1:higher``."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from droplab.errors import UserError, quote
from droplab.measures import PARTS, read_measures
from droplab.records import CLASSIFICATION, Measure

_SEPARATORS = re.compile(r"[/\s{}]+")
_TRAINING = ("train", "fit", "training")
_VALIDATION = ("val", "valid", "validation", "eval")
_HIGHER = re.compile(
    "acc|accuracy|top[135]|f1|fbeta|precision|recall|auc|auroc|auprc|ap|map|iou|miou|jaccard|dice|r2|mcc|kappa|"
    "bleu|rouge[12l]?|meteor|psnr|ssim|ndcg|mrr|reward|return"
)
_ERRORS = re.compile(
    "loss|error|err|nll|r?mse|mae|mape|perplexity|ppl|wer|cer|fid|brier|ece|entropy|regret|distance|deviance"
)
"""Of what is called so, less is better, whatever else is in its name (``dice_loss``)."""


class Figure(NamedTuple):
    """A measure, the figure that holds it, and what the record calls that."""

    measure: Measure
    source: str
    metric: str
    assumed: bool = False
    """Whether nobody said which direction is better, nor does the name."""


def wanted_measures(given: Sequence[str]) -> tuple[Figure, ...]:
    """The measures that are named, the first one to be decided on.

    Args:
        given: ``NAME``, ``NAME:higher`` or ``NAME:lower``, as the runs call it; lower is better where it is not said.

    Raises:
        UserError: none, a direction that is unknown, a figure of training samples, a name that cannot be one.

    >>> [(figure.measure.name, figure.metric) for figure in wanted_measures(["val/loss", "eval_f1:higher"])]
    [('loss', 'val_loss'), ('f1', 'val_f1')]
    """
    if not given:
        raise UserError("name what is to be decided on: --measure NAME, or NAME:higher where higher is better")
    found = tuple(_figure(text) for text in given)
    read_measures([figure.measure for figure in found])
    return found


def _figure(text: str) -> Figure:
    source, _, better = text.strip().rpartition(":") if text.strip().endswith((":higher", ":lower")) else (text, "", "")
    source = source.strip()
    if not source:
        raise UserError(f"a measure is NAME, NAME:higher or NAME:lower; got {quote(text)}")
    metric = _SEPARATORS.sub("_", source)
    part, _, name = metric.partition("_")
    if part in _TRAINING and name:
        raise UserError(
            f"{quote(source)} is a figure of training samples, which says nothing of new data; name one of validation "
            "samples"
        )
    name = name if part in _VALIDATION and name else metric
    metric = f"val_{name}" if name != metric else metric
    known = next((one for one in CLASSIFICATION if one.name == name and better in {"", one.better}), None)
    words = re.split(r"[^a-z0-9]+", name.lower())
    silent = not known and not better and not any(map(_ERRORS.fullmatch, words))
    if silent and any(map(_HIGHER.fullmatch, words)):
        raise UserError(
            f"of {quote(source)} more is better by its name, and lower is taken where nothing is said: say which, "
            f"{source}:higher or {source}:lower"
        )
    measure = known or read_measures({name: better or "lower"})[0]
    return Figure(measure, source, metric, silent)


def as_recorded(figures: Sequence[Figure], names: Collection[str]) -> tuple[Figure, ...]:
    """The figures by the names that runs have: one that none has may be there with another separator.

    Raises:
        UserError: one that runs have as ``val_NAME`` too, beside which ``NAME`` is commonly one of training samples.

    >>> [figure.source for figure in as_recorded(wanted_measures(["val_loss"]), ["val/loss", "train/loss"])]
    ['val/loss']
    """
    for figure in figures:
        twins = {f"{part}_{figure.metric}" for part in _VALIDATION}
        twin = next((name for name in names if _SEPARATORS.sub("_", name) in twins), None)
        if twin is not None:
            raise UserError(
                f"runs have {quote(figure.source)} and {quote(twin)}, beside which the first is commonly a figure of "
                f"training samples; name {twin}, or give the first another name"
            )

    def recorded(figure: Figure) -> Figure:
        alike = [name for name in names if _SEPARATORS.sub("_", name) == _SEPARATORS.sub("_", figure.source)]
        return figure._replace(source=alike[0]) if figure.source not in names and len(alike) == 1 else figure

    return tuple(map(recorded, figures))


def companions(figures: Sequence[Figure]) -> dict[str, str]:
    """Other figures of the same measures, as the record calls them, by what a source may call them.

    What was asked for has its own source alone.
    """
    names = [figure.measure.name for figure in figures]
    asked = {figure.metric for figure in figures}
    found = {f"{part}{join}{name}": f"{part}_{name}" for name in names for part in PARTS for join in "_/"}
    found = {source: metric for source, metric in found.items() if metric not in asked}
    return {**found, **{name: name for name in ("gap", "seconds", "images_per_second")}}

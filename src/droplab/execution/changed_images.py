"""The validation images that an arm sees most differently from the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from droplab.data import Split
from droplab.errors import DroplabError
from droplab.execution.drawing import pixels
from droplab.execution.loading import load_again
from droplab.ledger import OpenLedger
from droplab.records import ChangedImage, ChangedImages, ExperimentRecord, Predictions, RunKey, are_images
from droplab.spec.experiment import ExperimentSpec

IMAGES = 12
"""Shown for each arm: half of them gained most, half lost most."""


def changed_images(ledger: OpenLedger, record: ExperimentRecord, data_dir: Path | None = None) -> ChangedImages:
    """Images whose true class gained or lost most probability against the baseline, mean over shared seeds.

    Args:
        ledger: open.
        record: what it holds.
        data_dir: where the data set is, if it has moved since the experiment.
    """
    if "data" not in record.spec or "task" in record.spec:
        return ChangedImages({}, "no images")
    if record.spec.get("resample"):
        return ChangedImages({}, "resampled")
    wanted = {arm: _predictions(ledger, record, arm) for arm in record.arms if arm != record.baseline}
    wanted = {arm: pairs for arm, pairs in wanted.items() if pairs}
    if not wanted:
        paired = any(_pairs(record, arm) for arm in record.arms if arm != record.baseline)
        return ChangedImages({}, "old" if paired else "unfinished")
    design = ledger.design()
    spec = ExperimentSpec.model_validate({"data": record.spec["data"]})
    try:
        split = load_again(spec, 0, design, ledger.path.parent, data_dir)
    except DroplabError:
        return ChangedImages({}, "data")
    assert isinstance(split, Split)
    images = split.validation.images
    if not are_images(images.shape[1:]):
        return ChangedImages({}, "no images")
    return ChangedImages({arm: _most_changed(pairs, split) for arm, pairs in wanted.items()})


def _predictions(ledger: OpenLedger, record: ExperimentRecord, arm: str) -> list[tuple[Predictions, Predictions]]:
    found = ((ledger.predictions(before), ledger.predictions(after)) for before, after in _pairs(record, arm))
    return [(before, after) for before, after in found if before is not None and after is not None]


def _pairs(record: ExperimentRecord, arm: str) -> list[tuple[RunKey, RunKey]]:
    """Finished runs of the baseline and the arm with the same seed."""
    keys = [(RunKey(record.baseline, seed), RunKey(arm, seed)) for seed in record.seeds]
    done = {key for key, run in record.runs.items() if run.state == "done"}
    return [pair for pair in keys if done.issuperset(pair)]


def _most_changed(pairs: Sequence[tuple[Predictions, Predictions]], split: Split) -> tuple[ChangedImage, ...]:
    before = torch.tensor([pair[0].confidence for pair in pairs]).mean(0)
    after = torch.tensor([pair[1].confidence for pair in pairs]).mean(0)
    order = (after - before).argsort(descending=True, stable=True).tolist()
    half = min(IMAGES // 2, len(order) // 2)
    names = split.class_names
    found = []
    for index in [*order[:half], *order[::-1][:half]]:
        shown = pixels(split.validation.images[index], side=0)
        found.append(
            ChangedImage(
                index=index,
                truth=names[int(split.validation.labels[index])],
                pixels=shown.data,
                width=shown.width,
                height=shown.height,
                channels=shown.channels,
                before=float(before[index]),
                after=float(after[index]),
                said_before=tuple(names[pair[0].classes[index]] for pair in pairs),
                said_after=tuple(names[pair[1].classes[index]] for pair in pairs),
            )
        )
    return tuple(found)

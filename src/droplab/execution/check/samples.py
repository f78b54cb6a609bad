"""What the data allow: the scale of what the model gets, how finely validation resolves, what guessing gives."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from droplab.data import Split, duplicates
from droplab.records import Notice
from droplab.tasks.evaluate import guessing
from droplab.tasks.split import TaskSplit
from droplab.training.samples import RunData

FEW = 200
"""With fewer validation samples, one of them is worth more than half a percentage point of accuracy."""
FAR = 10.0
"""Inputs whose mean or standard deviation is larger than this, or whose deviation is below its inverse, train badly."""
MAJORITY = 0.1
"""How much more than its even share the most frequent class must have to be told."""


def check_samples(split: Split | TaskSplit, data: RunData, model: nn.Module) -> Iterator[Notice]:
    """Say what happens to the inputs' scale; name a small validation part and a class that guessing would take.

    Whole numbers that a model looks up in a table have no scale.
    """
    if isinstance(split, TaskSplit):
        yield from _of_task(split, data)
        return
    yield from _shared(split)
    values = data.fit.stored
    deviation, mean = (float(number) for number in torch.std_mean(values, correction=0))
    detail = {"mean": mean, "std": deviation, "low": float(values.min()), "high": float(values.max())}
    scaled = split.train.images.dtype == torch.uint8
    yield Notice("inputs_scaled" if scaled else "inputs_as_they_are", detail=detail)
    if not scaled and not _looked_up(values, model) and (abs(mean) > FAR or not 1 / FAR <= deviation <= FAR):
        yield Notice("inputs_far", detail={"mean": mean, "std": deviation})
    count = len(data.validation)
    if count < FEW:
        yield Notice("validation_small", detail={"count": count, "step": 1 / count})
    frequent = torch.bincount(data.validation.labels, minlength=data.classes)
    share = int(frequent.max()) / count
    if share - 1 / data.classes >= MAJORITY:
        yield Notice("majority", detail={"share": share, "name": split.class_names[int(frequent.argmax())]})


def _shared(split: Split) -> Iterator[Notice]:
    """Samples that are measured on and trained on."""
    training = split.train.images
    for found in (
        duplicates("validation", split.validation.images, "train", training),
        split.test.duplicates("train", training),
    ):
        if found is not None:
            yield found.notice()


def _of_task(split: TaskSplit, data: RunData) -> Iterator[Notice]:
    """How the data were cut and what else was done to them; and what guessing gives."""
    yield from split.notices
    count = len(data.validation)
    if count < FEW:
        yield Notice("few_samples", detail={"count": count})
    figures = guessing(data.task, split.looked["train"], split.looked["validation"])
    yield Notice("guessing", detail={"what": ", ".join(f"{name} {value:.4g}" for name, value in figures.items())})


def _looked_up(values: Tensor, model: nn.Module) -> bool:
    tables = any(isinstance(module, (nn.Embedding, nn.EmbeddingBag)) for module in model.modules())
    return tables and bool((values == values.round()).all())

"""A data set of any task, split once for all arms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from droplab.data.csv import Table
from droplab.data.function import Returned
from droplab.data.given_parts import GivenParts, read_given
from droplab.data.on_disk import shared
from droplab.data.picked import Source, pick
from droplab.data.shapes import shapes
from droplab.data.split import own_validation
from droplab.data.stratify import Cut
from droplab.errors import DataError
from droplab.records import Notice
from droplab.resampling import Draw
from droplab.tasks.checking import check_counted, check_parts, check_texts
from droplab.tasks.classification import Classification
from droplab.tasks.looking import looked_at
from droplab.tasks.parting import part as cut_off
from droplab.tasks.task import Task

_TENTH = 0.1


class SealedSource:
    """The test part behind a door; see ``droplab.data.SealedPart``."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def open(self) -> Source:
        """The samples. Only ``final_evaluation`` calls this."""
        return self._source

    def __len__(self) -> int:
        return len(self._source)


@dataclass(frozen=True, eq=False)
class TaskSplit:
    """What ``droplab.data.Split`` is for classes, for any task.

    Attributes:
        name: as it was asked for.
        train: what runs train on.
        validation: what runs are measured on.
        test: sealed.
        classes: outputs that the task wants of a model.
        class_names: a name for each.
        fingerprint: sha256 over samples and the numbers that split them; of samples that are not in memory, some.
        shape: of one sample's inputs: a tuple, or a table of such where inputs are a tree.
        told: what was done to columns of a table, in lines.
        notices: how the samples were cut, and what parts share.
    """

    name: str
    train: Source
    validation: Source
    test: SealedSource
    classes: int
    class_names: tuple[str, ...]
    fingerprint: str
    shape: Any
    told: tuple[str, ...]
    notices: tuple[Notice, ...]
    by_class: bool
    """Whether each sample has one class."""
    looked: Mapping[str, Any]
    """Targets of training and validation samples: all where they are in memory, else some at equal distances."""
    validation_groups: Any = None
    """``(N,)``, the group of each validation sample, where the source says groups and the part was cut."""
    trainable: int = 0
    """Training samples, and those that ``train_size`` leaves out."""
    vocabulary: tuple[str, ...] = ()
    """The text of each token, where the source says it."""
    table: tuple[Table, Any] | None = None
    """Of a CSV file, and which of its rows the validation samples are."""


def load_split(
    name: str,
    task: Task,
    *,
    data_dir: Path | None = None,
    train_size: int | None = None,
    validation_size: float | None = None,
    split_seed: int = 0,
    options: Mapping[str, Any] | None = None,
    pixels: bool = False,
    draw: Draw | None = None,
    scaled_by: int | None = 0,
    given: Returned | None = None,
) -> TaskSplit:
    """Read and split what a spec names, for a task.

    The test part first (a tenth, where the source has none), then the validation part; by groups or by time where the
    source says which, else by the task's classes, else plainly. Windows of a stream are cut by time.

    Args:
        name: as in ``droplab.data.load``, or a ``.csv`` file.
        task: what the data are for.
        data_dir: where downloaded data sets are.
        train_size: keep so many training samples.
        validation_size: a count, or a fraction between 0 and 1; a tenth where absent.
        split_seed: chooses which samples go where.
        options: keyword arguments of a data function, or of ``read_csv``.
        pixels: uint8 inputs are images.
        draw: as in ``droplab.data.load``.
        scaled_by: columns of a table become what so many training rows know (``None``: all), and not what the
            ``train_size`` rows do.
        given: what a data function has given, where it was called already.

    Raises:
        DataError: data that cannot be had, do not hold, or are not the task's.

    >>> from droplab.tasks.classification import Classification
    >>> split = load_split("fashion-mnist-mini", Classification(), train_size=500)
    >>> len(split.train), split.classes, split.shape
    (500, 10, (1, 28, 28))
    """
    found = read_given(name, data_dir=data_dir, options=options or {}, pixels=pixels, given=given)
    everything = found.parts["train"]
    check_texts(name, task, everything)
    rows, told, how, across = np.arange(len(everything)), list[str](), "", 0
    chosen: dict[str, Any] = {}
    for part, size, purpose in (
        ("test", _TENTH, Cut.TEST),
        ("validation", _TENTH if validation_size is None else validation_size, Cut.VALIDATION),
    ):
        if part not in found.parts:
            drawn = draw if purpose is Cut.VALIDATION else None
            sides = cut_off(found, task, rows, size, split_seed, purpose, drawn)
            chosen[part], rows, how, across = rows[sides.taken], rows[sides.left], sides.how, across + sides.across
        elif part == "validation" and draw is not None:
            raise own_validation(name, len(found.parts[part]))
        elif part == "validation" and validation_size is not None:
            raise DataError(
                f"validation_size {validation_size} was asked for, but {name} brings its own validation part of "
                f"{len(found.parts[part]):,} samples. Leave validation_size out."
            )
    trainable = rows
    if train_size is not None and train_size > len(rows):
        raise DataError(f"train_size {train_size:,} was asked for, but {len(rows):,} training samples are available")

    def kept(count: int | None) -> Any:
        if count is None or count >= len(trainable):
            return trainable
        seed = split_seed if draw is None else draw.seed(split_seed)
        return trainable[cut_off(found, task, trainable, count, seed, Cut.TRAIN).taken]

    rows = kept(train_size)
    known = rows if scaled_by == 0 else kept(scaled_by)
    parts = {"train": _pick(everything, rows, known, told.append)}
    for part in ("validation", "test"):
        if part in chosen:
            parts[part] = _pick(everything, chosen[part], known, _nothing)
        else:
            parts[part] = found.parts[part]
    counts = {part: len(chosen.get(part, ())) for part in ("validation", "test")}
    notices = [Notice(f"cut_{how}", detail=counts)] if how else []
    notices += [Notice("across_the_cut", detail={"count": across})] if across else []
    whole = _whole(found, task, parts, [rows, *chosen.values()], told, notices)
    return replace(
        whole,
        trainable=len(trainable),
        validation_groups=_groups_of(found, chosen.get("validation")),
        vocabulary=found.vocabulary,
        table=(everything, chosen["validation"]) if isinstance(everything, Table) else None,
    )


def _groups_of(given: GivenParts, rows: Any) -> Any:
    return np.asarray(given.groups)[rows] if given.groups is not None and rows is not None else None


def _nothing(_line: str) -> None:
    """Said already, of the training part."""


def _pick(everything: Any, ids: Any, train: Any, tell: Any) -> Source:
    return everything.samples(ids, train, tell) if isinstance(everything, Table) else pick(everything, ids)


def _whole(
    given: GivenParts,
    task: Task,
    parts: Mapping[str, Source],
    indices: list[Any],
    told: list[str],
    notices: list[Notice],
) -> TaskSplit:
    fingerprint, targets, marks = looked_at(parts, indices)
    listed = given.listed if isinstance(task, Classification) else 0
    width = check_parts(task, targets, given.classes or listed or 0)
    check_counted(given.name, task, parts["train"], targets["train"])
    notices += [notice for part in ("validation", "test") if (notice := shared(part, parts, marks)) is not None]
    names = given.class_names if len(given.class_names) == width else tuple(map(str, range(width)))
    return TaskSplit(
        name=given.name,
        train=parts["train"],
        validation=parts["validation"],
        test=SealedSource(parts["test"]),
        classes=width,
        class_names=names,
        fingerprint=fingerprint,
        shape=shapes(parts["train"].take(torch.tensor([0])).inputs),
        told=tuple(told),
        notices=tuple(notices),
        by_class=task.strata(targets["train"]) is not None,
        looked={part: targets[part] for part in ("train", "validation")},
    )

"""The data of an experiment, as its spec says; the one place where a spec becomes a split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from droplab.data import Split, load
from droplab.data.beyond import is_more
from droplab.data.function import Returned, is_function, returned
from droplab.data.repeat import ADVICE
from droplab.errors import DataError, DesignError, UserError
from droplab.records import ExperimentRecord
from droplab.resampling import Draw, draw_of
from droplab.spec.changes import SIZE
from droplab.spec.enlarged import for_any_data
from droplab.spec.experiment import ExperimentSpec
from droplab.spec.rivals import train_sizes
from droplab.spec.tables import DataSpec
from droplab.spec.task import DEFAULT
from droplab.tasks.checking import check_parts
from droplab.tasks.split import TaskSplit, load_split
from droplab.tasks.table import make_task
from droplab.training.samples import RunData, lay_out


def told_task(spec: ExperimentSpec) -> tuple[ExperimentSpec, Returned | None]:
    """The spec with the task that its data want, where it names none; and what their function has given meanwhile.

    Raises:
        DataError: the function cannot be found, or raises.

    >>> told_task(ExperimentSpec())[0].task
    'classification'
    """
    if not is_function(spec.data.name):
        return spec, None
    given = returned(spec.data.name, spec.data.options)
    return for_any_data(spec) if spec.task == DEFAULT and is_more(given.value) else spec, given


def split_of(
    spec: ExperimentSpec, seed: int, data_dir: Path | None = None, given: Returned | None = None
) -> Split | TaskSplit:
    """The split that a seed trains and is measured on: one for all, unless the spec resamples.

    Raises:
        DataError: the data cannot be had, or no such split can be drawn.

    >>> spec = ExperimentSpec(resample="5-fold")
    >>> len(split_of(spec, 7).validation), split_of(spec, 7).fingerprint == split_of(spec, 8).fingerprint
    (800, False)
    """
    return load_data(spec.data, data_dir, spec.task, draw_of(spec.resample, seed), given=given)


def load_data(
    data: DataSpec,
    data_dir: Path | None = None,
    task: Any = DEFAULT,
    draw: Draw | None = None,
    scaled_by: int | None = 0,
    given: Returned | None = None,
) -> Split | TaskSplit:
    """Load and split what a spec's ``data`` names, for its task; ``scaled_by`` and ``given`` as in ``load_split``.

    Raises:
        DataError: the data cannot be had, or do not hold.

    >>> len(load_data(DataSpec(name="fashion-mnist-mini", train_size=100)).train)
    100
    """
    sizes = {"train_size": data.train_size, "validation_size": data.validation_size, "split_seed": data.split_seed}
    common: dict[str, Any] = {"data_dir": data_dir, "options": data.options, "draw": draw, **sizes}
    if task == DEFAULT:
        return load(data.name, inputs=data.inputs, given=given, **common)
    if given is None and is_function(data.name):
        given = returned(data.name, data.options)
    common |= {"pixels": data.inputs == "pixels", "scaled_by": scaled_by}
    split = load_split(data.name, make_task(task), given=given, **common)
    if given is not None and given.drew:
        again = load_split(data.name, make_task(task), given=replace(given, value=given.again()), **common)
        if again.fingerprint != split.fingerprint:
            raise DataError(f"data {data.name!r} returned other samples when it was called a second time. {ADVICE}.")
    return split


def lay_out_for(spec: ExperimentSpec, split: Split | TaskSplit, fit_size: int, device: torch.device) -> RunData:
    """A split on the device, with the spec's task; one that counts training targets has counted them.

    Raises:
        DataError: it does not fit into memory.
    """
    if not isinstance(split, TaskSplit):
        return lay_out(split, fit_size, device)
    task = make_task(spec.task)
    check_parts(task, {"train": split.looked["train"]}, split.classes)
    return lay_out(split, fit_size, device, task)


def with_sizes(spec: ExperimentSpec, data: RunData, data_dir: Path | None, seed: int = 0) -> RunData:
    """A seed's data with those of arms that train on more or fewer samples, each as it would be alone.

    Columns of tables are scaled and numbered alike for all, as they are validated on the same samples.

    Raises:
        DataError: a size that cannot be had.
    """
    found = dict[int | None, RunData]()
    for size in train_sizes(spec):
        sized = spec.data.model_copy(update={SIZE: size})
        split = load_data(sized, data_dir, spec.task, draw_of(spec.resample, seed), spec.data.train_size)
        other = lay_out_for(spec, split, spec.recipe.fit_size, data.device)
        found[size] = replace(other, validation=data.validation)
    return replace(data, sizes=found) if found else data


def check_house(record: ExperimentRecord, what: str) -> None:
    """Raise ``UserError`` where a loop of the user's own trained, of whose data and models droplab knows nothing."""
    if "loop" in record.spec:
        raise UserError(
            f"{record.name!r} was trained by a loop of its own, {record.spec['loop']}, and {what} needs data and "
            "models that droplab builds; do it with the loop's own code"
        )


def load_again(
    spec: ExperimentSpec, seed: int, design: Mapping[str, Any], folder: Path, data_dir: Path | None = None
) -> Split | TaskSplit:
    """The data that a seed was trained with.

    Args:
        spec: the experiment's.
        seed: one of its seeds.
        design: its ledger's.
        folder: its own.
        data_dir: where the data set is, if it has moved since.

    Raises:
        DataError: the data cannot be had.
        DesignError: they are others now.
    """
    data_dir = data_dir or (Path(design["data_dir"]) if design["data_dir"] else None)
    split = split_of(spec, 0, data_dir)
    check_same_data(spec.data, split, design, folder)
    return split_of(spec, seed, data_dir) if spec.resample else split


def check_same_data(data: DataSpec, split: Split | TaskSplit, design: Mapping[str, Any], folder: Path) -> None:
    """Raise ``DesignError`` where a split is not the one that an experiment was started with."""
    if split.fingerprint != design["data_fingerprint"]:
        raise DesignError(
            f"the data {data.name!r} is not what {folder} was started with (their checksums differ). "
            "Bring the old data back, or start anew with --fresh."
        )

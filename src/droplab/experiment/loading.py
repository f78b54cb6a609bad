"""The data of an experiment, as its spec says; the one place where a spec becomes a split."""

from __future__ import annotations

from pathlib import Path

from droplab.data import Split, load
from droplab.experiment.spec import DataSpec


def load_data(data: DataSpec, data_dir: Path | None = None) -> Split:
    """Load and split what a spec's ``data`` names.

    Raises:
        DataError: the data cannot be had, or do not hold.

    >>> len(load_data(DataSpec(name="fashion-mnist-mini", train_size=100)).train)
    100
    """
    return load(
        data.name,
        data_dir=data_dir,
        train_size=data.train_size,
        validation_size=data.validation_size,
        split_seed=data.split_seed,
        options=data.options,
        inputs=data.inputs,
    )

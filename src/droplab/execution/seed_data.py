"""The data of each seed, where seeds draw their own split."""

from __future__ import annotations

from pathlib import Path
from typing import final

from droplab.data import Split
from droplab.execution.loading import lay_out_for, split_of, with_sizes
from droplab.records import Notice
from droplab.resampling import NOTICE
from droplab.spec.experiment import ExperimentSpec
from droplab.tasks.split import TaskSplit
from droplab.training.samples import RunData


@final
class SeedData:
    """Those of the last seed are kept, as its arms follow each other.

    Args:
        spec: says whether seeds draw.
        data_dir: where data sets are looked for.
        base: the data of ``split_of(spec, 0)``, for all seeds where they do not.
    """

    def __init__(self, spec: ExperimentSpec, data_dir: Path | None, base: RunData) -> None:
        self._spec, self._data_dir, self._base = spec, data_dir, base
        self._seed: int | None = None
        self._found: tuple[RunData, Notice | None] = base, None

    def of(self, seed: int) -> tuple[RunData, Notice | None]:
        """What a seed trains and is measured on, and how much that is, where it is drawn."""
        if self._spec.resample and seed != self._seed:
            split = split_of(self._spec, seed, self._data_dir)
            data = lay_out_for(self._spec, split, self._spec.recipe.fit_size, self._base.device)
            data = with_sizes(self._spec, data, self._data_dir, seed)
            self._seed, self._found = seed, (data, drawn(split))
        return self._found


def drawn(split: Split | TaskSplit) -> Notice:
    """How many samples a drawn split validates on, and how many others there are."""
    return Notice(NOTICE, detail={"validation": len(split.validation), "training": split.trainable})

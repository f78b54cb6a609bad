"""What a task is: the few questions that a loop asks about batches of a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from torch import Tensor

from droplab.records import Measure, Predictions
from droplab.tasks.sketch import Sketch

Sums = Mapping[str, Tensor]
"""What figures are made of, added over samples, in float64; each entry has a shape of its own."""
Whole = Callable[[Tensor, Any], Any]
"""A figure of all outputs and targets of a part at once: AUROC, say."""


class Task(Protocol):
    """What a batch is, its loss and its figures. One file each; a class of yours is one if it has these.

    ``outputs`` is what the model gives, ``(N, …)``; ``targets`` is the batch's, a tensor or a tree of them. Figures
    come from sums over samples, so that a validation set may be cut into batches, folds or ranks in any way.

    Attributes:
        measures: what it measures; the first is the primary one.
        whole: figures that need all samples at once, by name.
        means: names of the measures that are means over ``count``, which may be cut into folds and put together again.
            A class of yours may leave it out: its measures are then averaged over folds of the validation samples.
    """

    measures: tuple[Measure, ...]
    whole: Mapping[str, Whole]
    means: frozenset[str]

    def check(self, targets: Any, where: str = "targets") -> None:
        """Before anything is trained.

        Raises:
            DataError: targets that are none of this task, with the line that cures it.
        """

    def width(self, targets: Any) -> int:
        """How many outputs a sample (or a pixel, or a token) wants: ``classes`` of a model function."""

    def check_outputs(self, outputs: Any, targets: Any) -> None:
        """On a first batch.

        Raises:
            ModelError: outputs that do not go with the targets.
        """

    def loss(self, outputs: Tensor, targets: Any) -> Tensor:
        """What is minimised on a batch: its mean, ``()``."""

    def rows(self, outputs: Tensor, targets: Any) -> Sums:
        """For each sample what the sums are made of, ``(N, …)``; among them ``loss`` and ``count``, ``(N,)``.

        ``loss`` is a sum over what a sample holds (pixels, tokens), ``count`` how many these are.
        """

    def totals(self, outputs: Tensor, targets: Any) -> Sums:
        """The rows, added over the batch."""

    def trained(self, outputs: Tensor, targets: Any, loss: Tensor) -> Sums:
        """The totals of a batch that was trained on, whose loss is known: as it was minimised."""

    def figures(self, sums: Sums) -> dict[str, float]:
        """A number for each measure but those in ``whole``."""

    def guess(self, targets: Any) -> Tensor:
        """The best outputs that know nothing of the input, ``(1, …)``: frequencies of classes, a mean."""

    def strata(self, targets: Any) -> Tensor | None:
        """Classes to split by, ``(N,)`` int64 from 0; ``None`` where there are none."""

    def shown(self, outputs: Tensor, targets: Any) -> Predictions | None:
        """A class and a probability of each sample, which the ledger keeps; ``None`` where there are none."""

    def sketches(self, outputs: Tensor, targets: Any) -> tuple[Sketch, ...]:
        """How a page draws each sample; nothing where it cannot. A class of yours may leave it out."""

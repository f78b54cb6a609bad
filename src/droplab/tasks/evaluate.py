"""A model on batches: what it gives, and the figures of a task over all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from droplab.data.trees import Tree, mapped, picked
from droplab.errors import DataError, ModelError, UserError, quote, words_of
from droplab.tasks.task import Sums, Task, Whole
from droplab.userobjects import where_raised


def called_with(inputs: Tree) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a model's call for a batch: the tensor, the tuple's entries, or the table's by name.

    >>> called_with({"ids": 1})
    ((), {'ids': 1})
    """
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    return (tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)), {}


def outputs_of(model: nn.Module, inputs: Tree) -> Any:
    """What a model gives for a batch.

    Of what models of other libraries return, the ``logits``.

    >>> outputs_of(nn.Identity(), torch.ones(1))
    tensor([1.])
    """
    given, named = called_with(inputs)
    found = model(*given, **named)
    if isinstance(found, Mapping) and "logits" in found:
        return found["logits"]
    return found if isinstance(found, Tensor) else getattr(found, "logits", found)


class Added:
    """Sums over batches, apart for each fold, and what figures of the whole need.

    Args:
        task: whose figures.
        folds: ``(samples,)`` int64, the fold of each sample in the order in which batches come; one for all where
            absent.

    >>> from droplab.tasks.regression import Regression
    >>> added = Added(Regression(), torch.tensor([0, 0, 1, 1]))
    >>> added.add(torch.tensor([1.0, 2.0, 3.0, 5.0]), torch.tensor([1.0, 3.0, 3.0, 4.0]))
    >>> added.figures(), added.figures(1)["loss"]
    ({'loss': 0.5, 'r2': 0.5789...}, 0.5)
    """

    def __init__(self, task: Task, folds: Tensor | None = None) -> None:
        self.task, self._folds = task, folds
        self._sums: dict[str, Tensor] = {}
        self._kept = Kept()
        self._seen = 0

    def add(self, outputs: Tensor, targets: Any) -> None:
        """One batch."""
        start, self._seen = self._seen, self._seen + len(outputs)
        if self._folds is None:
            found = {name: total[None] for name, total in self.task.totals(outputs, targets).items()}
        else:
            folds = self._folds[start : self._seen].to(outputs.device)
            if len(folds) != len(outputs):
                raise UserError(
                    f"folds has {len(self._folds):,} numbers, and there are more samples; one each is wanted"
                )
            found = by_fold(self.task.rows(outputs, targets), folds, int(self._folds.max()) + 1)
        self._sums = {name: self._sums[name] + value if self._sums else value for name, value in found.items()}
        if self.task.whole:
            self._kept.add(outputs, targets)

    def put(self, sums: Sums) -> None:
        """Sums of a batch that are known already; metrics of the whole are not to be had of them."""
        self._sums = {name: self._sums[name] + value if self._sums else value for name, value in sums.items()}

    def figures_of_sums(self) -> dict[str, float]:
        """Of what was put in, where anything was."""
        return self.task.figures(self._sums) if self._sums else {}

    def figures(self, fold: int | None = None) -> dict[str, float]:
        """Of all samples, or of a fold: each measure in its order.

        Raises:
            DataError: no sample.
        """
        if not self._seen:
            raise DataError("there was no batch to measure; wanted at least one sample")
        sums = {name: value.sum(0) if fold is None else value[fold] for name, value in self._sums.items()}
        if not float(sums["count"].sum()):
            raise DataError(f"fold {fold} has no sample that counts" if fold is not None else "no sample counts")
        found = self.task.figures(sums) | self._whole(fold)
        return {measure.name: found[measure.name] for measure in self.task.measures}

    def _whole(self, fold: int | None) -> dict[str, float]:
        if not self.task.whole:
            return {}
        chosen = None
        if fold is not None and self._folds is not None:
            chosen = (self._folds == fold).nonzero()[:, 0]
        return {name: self._kept.figure(name, function, chosen) for name, function in self.task.whole.items()}


class Kept:
    """All outputs and targets of a part, for figures that need them at once."""

    def __init__(self) -> None:
        self._parts: list[tuple[Tensor, Any]] = []

    def add(self, outputs: Tensor, targets: Any) -> None:
        """One batch."""
        self._parts.append(mapped(lambda tensor: tensor.detach().cpu(), (outputs, targets)))

    def figure(self, name: str, function: Whole, chosen: Tensor | None = None) -> float:
        """A figure of all samples, or of those with these numbers.

        Raises:
            UserError: the function raises, or gives no number.
        """
        if len(self._parts) > 1:
            self._parts = [_joined(self._parts)]
        kept = self._parts[0]
        return _number(name, function, kept if chosen is None else picked(kept, chosen))


def by_fold(rows: Sums, folds: Tensor, count: int) -> dict[str, Tensor]:
    """Rows of samples, ``(N, …)``, added on each fold, ``(count, …)``; ``folds`` is ``(N,)`` int64."""
    return {
        name: torch.zeros(count, *row.shape[1:], dtype=row.dtype, device=row.device).index_add_(0, folds, row)
        for name, row in rows.items()
    }


def _joined(kept: list[tuple[Tensor, Any]]) -> tuple[Tensor, Any]:
    def join(*parts: Any) -> Any:
        first = parts[0]
        if isinstance(first, Mapping):
            return {key: join(*(part[key] for part in parts)) for key in first}
        if isinstance(first, tuple | list):
            return tuple(join(*branch) for branch in zip(*parts, strict=True))
        return torch.cat(parts)

    outputs, targets = join(*kept)
    return outputs, targets


def _number(name: str, function: Any, kept: tuple[Tensor, Any]) -> float:
    try:
        found = function(*kept)
    except Exception as problem:
        raise UserError(
            f"metric {name!r} raised {words_of(problem)} (at {where_raised(problem)}); it is called with all outputs "
            f"and all targets of a part, here {len(kept[0]):,} samples"
        ) from problem
    try:
        return float(found)
    except (TypeError, ValueError):
        raise UserError(f"metric {name!r} gave {quote(found)}; wanted one number") from None


def evaluate(
    task: Task,
    model: nn.Module,
    batches: Iterable[Any],
    part: str = "",
    *,
    device: torch.device | str | None = None,
    folds: Tensor | None = None,
) -> dict[str, float]:
    """The figures of a model in eval mode over batches; its modes are given back.

    Args:
        task: what is measured.
        model: called as ``outputs_of`` says.
        batches: pairs of inputs and targets: a ``DataLoader``, ``samples.chunks(512)``.
        part: ``fit`` or ``val`` gives the names that ``run.report`` takes: ``val_loss``.
        device: where batches are put; where absent, they stay.
        folds: ``(samples,)`` int64 in the order of the batches; figures are then the mean over folds.

    Raises:
        DataError: no batch.

    >>> from droplab.tasks.regression import Regression
    >>> evaluate(Regression(), nn.Identity(), [(torch.zeros(2), torch.tensor([1.0, 3.0]))], "val")
    {'val_loss': 5.0, 'val_r2': -4.0}
    """
    added = Added(task, folds)
    for outputs, targets in outputs_and_targets(model, batches, device):
        added.add(outputs, targets)
    found = added.figures() if folds is None else _mean([added.figures(fold) for fold in sorted(set(folds.tolist()))])
    return {f"{part}_{name}" if part else name: value for name, value in found.items()}


def _mean(found: list[dict[str, float]]) -> dict[str, float]:
    return {name: sum(one[name] for one in found) / len(found) for name in found[0]}


def outputs_and_targets(
    model: nn.Module, batches: Iterable[Any], device: torch.device | str | None = None
) -> Iterator[tuple[Tensor, Any]]:
    """Batch by batch what a model gives in eval mode, without gradients, beside what was wanted."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            for inputs, targets in batches:
                if device is not None:
                    inputs, targets = mapped(lambda tensor: tensor.to(device), (inputs, targets))  # noqa: PLW2901
                outputs = outputs_of(model, inputs)
                if not isinstance(outputs, Tensor):
                    raise ModelError(
                        f"the model gave a {type(outputs).__name__}; wanted a tensor, or something with logits"
                    )
                yield outputs, targets
    finally:
        for module, training in modes:
            module.training = training


def guessing(task: Task, training: Any, targets: Any) -> dict[str, float]:
    """What guessing would give: the figures of the best outputs that know nothing of the input.

    Args:
        task: what is measured.
        training: targets that the guess is taken from.
        targets: those that it is measured on.

    >>> from droplab.tasks.classification import Classification
    >>> guessing(Classification(), torch.tensor([0, 0, 0, 1]), torch.tensor([0, 1, 0, 0]))["accuracy"]
    0.75
    """
    guess = task.guess(training)
    added, size = Added(task), max(1, _AT_ONCE // max(1, guess.numel()))
    for start in range(0, _samples(targets), size):
        some = picked(targets, slice(start, start + size))
        added.add(guess.expand(_samples(some), *guess.shape[1:]), some)
    return added.figures()


_AT_ONCE = 2**24
"""Numbers of outputs: of tokens and pixels, those of all samples may be more than memory holds."""


def _samples(targets: Any) -> int:
    while not isinstance(targets, Tensor):
        targets = next(iter(targets.values() if isinstance(targets, Mapping) else targets))
    return len(targets)

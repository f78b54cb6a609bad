"""Figures from counts of classes: how many are true, how many are predicted, how many are both."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from droplab.errors import DataError


def confusion(predicted: Tensor, true: Tensor, classes: int) -> dict[str, Tensor]:
    """Rows of a sample's class: ``(N, classes)`` each, in float64, for ``(N,)`` classes predicted and true.

    >>> import torch
    >>> {name: rows.tolist() for name, rows in confusion(torch.tensor([1]), torch.tensor([0]), 2).items()}
    {'true': [[1.0, 0.0]], 'predicted': [[0.0, 1.0]], 'both': [[0.0, 0.0]]}
    """
    there, said = F.one_hot(true, classes).double(), F.one_hot(predicted, classes).double()
    return {"true": there, "predicted": said, "both": there * said}


def macro_f1(true: Tensor, predicted: Tensor, both: Tensor) -> float:
    """Mean F1 of the classes that occur, in truth or in what is predicted; ``(classes,)`` counts each.

    >>> import torch
    >>> macro_f1(torch.tensor([2.0, 2, 0]), torch.tensor([2.0, 2, 0]), torch.tensor([2.0, 1, 0]))
    0.75
    """
    occurs = true + predicted > 0
    return float((2 * both[occurs] / (true + predicted)[occurs]).mean())


def micro_f1(true: Tensor, predicted: Tensor, both: Tensor) -> float:
    """F1 of all classes counted together; 0 where nothing is true and nothing predicted."""
    all_ = float((true + predicted).sum())
    return 2 * float(both.sum()) / all_ if all_ else 0.0


def balanced_accuracy(true: Tensor, both: Tensor) -> float:
    """Mean share of each class that is found, over the classes that there are.

    >>> import torch
    >>> balanced_accuracy(torch.tensor([90.0, 10]), torch.tensor([90.0, 0]))
    0.5
    """
    occurs = true > 0
    return float((both[occurs] / true[occurs]).mean())


def mean_iou(true: Tensor, predicted: Tensor, both: Tensor) -> float:
    """Mean of intersection over union, over the classes that occur in truth or in what is predicted.

    >>> import torch
    >>> mean_iou(torch.tensor([4.0, 4]), torch.tensor([8.0, 0]), torch.tensor([4.0, 0]))
    0.25
    """
    union = true + predicted - both
    occurs = union > 0
    return float((both[occurs] / union[occurs]).mean())


def check_classes(where: str, targets: object, ndim: int, said: str, ignore: int | None = None) -> Tensor:
    """Class numbers as they arrive for classes, pixels or tokens; those that count.

    Args:
        where: names the targets in messages.
        targets: what arrived.
        ndim: dimensions that are wanted.
        said: what is wanted, for messages: ``(N, H, W) class numbers``.
        ignore: a number that does not count.

    Raises:
        DataError: something else, with the line that cures it.
    """
    if not isinstance(targets, Tensor):
        raise DataError(f"{where} arrived as a {type(targets).__name__}; wanted a tensor of {said}")
    _check_kind(where, targets, ndim, said)
    if targets.ndim != ndim:
        raise DataError(f"{where} arrived with shape {tuple(targets.shape)}; wanted {said}")
    if targets.dtype.is_floating_point:
        raise DataError(f"{where} arrived as {targets.dtype}, all whole; wanted {said}: y.astype('int64')")
    counting = targets if ignore is None else targets[targets != ignore]
    if counting.numel() == 0:
        raise DataError(
            f"{where} are all {ignore}, which is the number to ignore; nothing is left to learn. Give another "
            "ignore_index, or the targets that count"
        )
    if int(counting.min()) < 0:
        raise DataError(
            f"{where} hold {int(counting.min())}; wanted {said}, counted from 0. Number them anew: "
            "np.unique(y, return_inverse=True)"
        )
    return counting


def _check_kind(where: str, targets: Tensor, ndim: int, said: str) -> None:
    """Whether these are another task's targets, or this one's in another form."""
    shape = tuple(targets.shape)
    if targets.dtype.is_floating_point:
        bad = int((~targets.isfinite()).sum())
        if bad:
            raise DataError(f"{where} hold {bad:,} NaN or infinite numbers; drop those samples: y[np.isfinite(y)]")
        if targets.ndim == ndim and bool((targets != targets.round()).any()):
            raise DataError(
                f"{where} arrived as {targets.dtype}, such as {float(targets[targets != targets.round()][0]):g}; "
                f'wanted {said}. Numbers that are predicted as they are: task = "regression".'
            )
    if targets.ndim == ndim + 1 and shape[1] == 1:
        raise DataError(f"{where} arrived with shape {shape}; wanted {said}. Take the column: y[:, 0]")
    if targets.ndim == ndim + 1 and bool(((targets == 0) | (targets == 1)).all()):
        once = bool((targets.sum(1) == 1).all())
        cure = (
            "One-hot rows become numbers with y.argmax(1)" if once else 'Several labels a sample: task = "multilabel"'
        )
        raise DataError(f"{where} arrived with shape {shape}, zeros and ones; wanted {said}. {cure}.")

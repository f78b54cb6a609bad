"""Losses and metrics that are functions of the user's, by name or as objects."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from droplab.data.trees import picked
from droplab.errors import UserError, quote, suggest, words_of
from droplab.given import name_of
from droplab.measures import read_measures
from droplab.records import Measure
from droplab.tasks.task import Whole
from droplab.userobjects import is_object, resolve, where_raised


class OwnLoss:
    """A loss of the user's: ``function(outputs, targets)`` gives one number for the batch, or one for each sample.

    What trains is the mean. Figures are sums over samples, so a function that gives one number is called for each
    sample alone there, unless it takes ``reduction="none"`` as torch's losses do.

    Args:
        function: ``pkg.module:function``, or the function itself.
        task: the task's name, for messages.
        known: losses that the task has by name.

    Raises:
        UserError: neither a known name nor a function.
    """

    def __init__(self, function: Any, task: str, known: tuple[str, ...]) -> None:
        if callable(function) and not isinstance(function, str):
            self.name, self._function = name_of(function), function
        elif isinstance(function, str) and is_object(function):
            self.name, self._function = function, resolve(function, "loss", UserError)
        else:
            raise UserError(
                f"{task} has no loss {quote(function)}{suggest(str(function), known)}; it has {', '.join(known)}, and "
                'takes a function of yours: loss = "pkg.module:function"'
            )
        try:
            self._reduces = "reduction" in inspect.signature(self._function).parameters
        except (TypeError, ValueError):  # not written in Python
            self._reduces = False

    def mean(self, outputs: Tensor, targets: Any) -> Tensor:
        """What is minimised, ``()``."""
        return self._call(outputs, targets).mean()

    def each(self, outputs: Tensor, targets: Any, counts: Tensor | None = None) -> Tensor:
        """The loss of each sample, ``(N,)``; where places of a sample count or do not, its sum over those that do.

        Args:
            outputs: a batch's.
            targets: the same.
            counts: ``(N, P)`` bool, the places of each sample that count.
        """
        options = {"reduction": "none"} if self._reduces else {}
        found = self._call(outputs, targets, **options)
        if counts is not None and found.numel() == counts.numel() > len(outputs):
            return torch.where(counts, found.reshape(counts.shape), 0).double().sum(1)
        if not found.ndim:
            alone = (picked((outputs, targets), slice(at, at + 1)) for at in range(len(outputs)))
            found = torch.stack([self._call(*sample) for sample in alone])
        each = found.flatten(1).mean(1) if found.ndim > 1 else found
        if counts is None:
            return each
        many = counts.sum(1).double()
        return torch.where(many > 0, each.double() * many, 0)  # a mean over nothing is no number

    def _call(self, outputs: Tensor, targets: Any, **options: Any) -> Tensor:
        try:
            found = self._function(outputs, targets, **options)
        except UserError:
            raise
        except Exception as problem:
            raise UserError(
                f"loss {self.name!r} raised {words_of(problem)} (at {where_raised(problem)}); it is called with the "
                f"model's outputs, {_shape(outputs)}, and the batch's targets, {_shape(targets)}"
            ) from problem
        if not isinstance(found, Tensor) or (found.ndim and len(found) != len(outputs)):
            raise UserError(
                f"loss {self.name!r} gave {quote(found)}; wanted a tensor: one number for the batch, or (N,), one for "
                "each sample"
            )
        return found


def _shape(value: Any) -> str:
    return f"a tensor {tuple(value.shape)} {value.dtype}" if isinstance(value, Tensor) else f"a {type(value).__name__}"


def whole_of(metrics: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Measure], dict[str, Whole]]:
    """Measures and functions of metrics that the user names.

    Args:
        metrics: ``{name: {"function": "pkg.module:function", "better": "higher", "unit": …}}``. A function is called
            with all outputs and all targets of a part, so that those of other libraries fit:
            ``torchmetrics.functional.classification:binary_auroc``.

    Raises:
        UserError: no function, or a measure that does not hold.

    >>> measures, functions = whole_of({"spread": {"function": lambda outputs, targets: 0.5, "better": "lower"}})
    >>> measures["spread"].better, functions["spread"](None, None)
    ('lower', 0.5)
    """
    measures: dict[str, Measure] = {}
    functions: dict[str, Whole] = {}
    for name, row in metrics.items():
        function = row.get("function") if isinstance(row, Mapping) else None
        if not (callable(function) or (isinstance(function, str) and is_object(function))):
            raise UserError(
                f"metric {quote(name)} is {quote(row)}; wanted a function and the better direction: "
                f'{name} = {{ function = "pkg.module:function", better = "higher" }}'
            )
        found: Callable[..., Any] = resolve(function, "metric", UserError) if isinstance(function, str) else function
        functions[name] = found
        (measures[name],) = read_measures([{**{k: v for k, v in row.items() if k != "function"}, "name": name}])
    return measures, functions

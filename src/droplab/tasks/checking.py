"""What can be known of a task's data and model before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import filterfalse
from typing import Any

import torch
from torch import nn

from droplab.data.csv import Table, is_number
from droplab.data.picked import Source
from droplab.data.trees import Tree, leaves
from droplab.errors import DataError, ModelError, UserError, quote, words_of
from droplab.tasks.classification import Classification
from droplab.tasks.evaluate import outputs_of
from droplab.tasks.regression import Regression
from droplab.tasks.task import Task
from droplab.userobjects import where_raised


def check_parts(task: Task, parts: Mapping[str, Any], classes: int = 0) -> int:
    """See that the targets of all parts are the task's, and the same task's.

    Args:
        task: the task.
        parts: targets by the part's name; ``train`` among them.
        classes: outputs at least, where the source says how many there are.

    Returns:
        Outputs that a model wants: ``classes`` of its function.

    Raises:
        DataError: targets that do not hold, or that training targets know nothing of.

    >>> from droplab.tasks.classification import Classification
    >>> check_parts(Classification(), {"train": torch.arange(4), "validation": torch.arange(2)})
    4
    """
    task.check(parts["train"], "targets of train")
    own = task.width(parts["train"])
    width, check_other = max(own, classes), getattr(task, "check_other", None)
    for name, targets in parts.items():
        if check_other is not None and name != "train":
            check_other(targets, f"targets of {name}", own)
        theirs = task.width(targets)
        if theirs > width:
            raise DataError(
                f"targets of {name} want {theirs:,} outputs and those of train {width:,}: something is in {name} "
                "alone. Move such samples to train, or leave them out"
            )
    return width


def check_counted(name: str, task: Task, train: Source, looked: Any) -> None:
    """See that all training targets are known where they are counted.

    Raises:
        DataError: class weights are balanced, and only some targets are.
    """
    if isinstance(task, Classification) and task.balanced and len(looked) < len(train):
        raise DataError(
            f'class_weights = "balanced" counts training targets, and {name} stays on disk, where {len(looked):,} of '
            f"{len(train):,} were looked at; give the data set all of them in order, dataset.targets, or class_weights "
            "in numbers"
        )


def check_texts(name: str, task: Task, everything: Any) -> None:
    """See that a table's target is numbers where numbers are predicted, and no names in their order.

    Raises:
        DataError: it is texts.
    """
    if isinstance(task, Regression) and isinstance(everything, Table) and everything.class_names:
        texts = everything.class_names
        raise DataError(
            f"the target of {name} holds texts, such as {quote(next(filterfalse(is_number, texts), texts[0]))}, and "
            "numbers are to be predicted. Repair them, or say how they are read, as to pandas.read_csv: data.options = "
            '{ thousands = ",", na_values = ["?"] }. Texts that are classes: task = "classification"'
        )


def try_out(task: Task, model: nn.Module, inputs: Tree, targets: Any) -> None:
    """One batch forward and backward: what a model gives, whether its loss is finite, whether it can learn.

    Raises:
        ModelError: the model raises, does not fit the targets, gives a loss that is not finite, or has nothing that the
            loss depends on.

    >>> from droplab.tasks.regression import Regression
    >>> try_out(Regression(), nn.Linear(2, 1), torch.ones(3, 2), torch.arange(3.0))
    """
    check_tokens(model, inputs)
    try:
        outputs = outputs_of(model, inputs)
    except UserError:
        raise
    except Exception as problem:
        raise ModelError(
            f"the model raised {words_of(problem)} (at {where_raised(problem)}) on a batch of {_said(inputs)}"
        ) from problem
    task.check_outputs(outputs, targets)
    loss = task.loss(outputs, targets)
    if not bool(loss.isfinite()):
        raise ModelError(f"the loss of the first batch is {loss.item()}; wanted a finite number: scale the inputs")
    if not loss.requires_grad:
        raise ModelError("the loss depends on no weight that can learn; is the model detached, or frozen as a whole?")
    loss.backward()  # type: ignore[no-untyped-call]
    model.zero_grad(set_to_none=True)


def check_tokens(model: nn.Module, inputs: Tree) -> None:
    """Refuse a token that a model's one embedding has no row for; torch would say "index out of range".

    Raises:
        DataError: such a token.

    >>> check_tokens(nn.Embedding(4, 2), torch.tensor([[1, 4]]))
    Traceback (most recent call last):
    droplab.errors.DataError: inputs hold token 4, and the model's embedding has 4 rows (0..3); give the \
vocabulary that made the tokens, or a larger embedding
    """
    rows = [module.num_embeddings for module in model.modules() if isinstance(module, nn.Embedding)]
    whole = [(path, tensor) for path, tensor in leaves(inputs) if tensor.dtype == torch.int64 and tensor.numel()]
    if not rows or len(whole) != 1:
        return
    path, tensor = whole[0]
    lowest, highest = int(tensor.min()), int(tensor.max())
    if lowest < 0 or highest >= max(rows):
        raise DataError(
            f"inputs{f' ({path})' if path else ''} hold token {lowest if lowest < 0 else highest}, and the model's "
            f"embedding has {max(rows)} rows (0..{max(rows) - 1}); give the vocabulary that made the tokens, or a "
            "larger embedding"
        )


def _said(inputs: Tree) -> str:
    return ", ".join(
        f"{path + ' ' if path else ''}{tuple(tensor.shape)} {tensor.dtype}" for path, tensor in leaves(inputs)
    )

"""One step forward and backward on the first batch and on the last, smaller one; and one look in evaluation mode."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from droplab.errors import ModelError
from droplab.execution.check.subject import Batch, Subject, range_of, unchanged
from droplab.records import Notice
from droplab.spec.task import DEFAULT
from droplab.training.digests import update


def check_passes(subject: Subject) -> Iterator[Notice]:
    """Whether the model trains at all, on every size of batch that runs will have.

    Raises:
        ModelError: it raises, gives another shape than logits, a loss that is not finite, or nothing to learn by.
    """
    for batch in filter(None, (subject.first, subject.last)):
        logits = _trained(subject, batch)
        if batch is subject.first:
            subject.signature = _digest(subject, logits)
            if not any(_moves(value) for value in subject.model.parameters()):
                yield Notice("no_gradient", subject.arm.name)
        subject.model.zero_grad(set_to_none=True)
        del logits
    with subject.refusing("evaluation", subject.validation), torch.inference_mode(), unchanged(subject.model):
        logits = subject.evaluate(subject.validation)
    _check_logits(subject, subject.validation, logits)


def signature(subject: Subject) -> str:
    """Digest of the logits and all gradients of one keyed step on the first batch."""
    with unchanged(subject.model), subject.step(subject.first):
        logits = subject.logits(subject.first)
        subject.loss(logits, subject.first).backward()  # type: ignore[no-untyped-call]
    found = _digest(subject, logits)
    subject.model.zero_grad(set_to_none=True)
    return found


def _digest(subject: Subject, logits: Tensor) -> str:
    digest = hashlib.sha256()
    update(digest, "logits", logits)
    for name, value in subject.model.named_parameters():
        update(digest, name, value.grad)
    return digest.hexdigest()


def _trained(subject: Subject, batch: Batch) -> Tensor:
    model, name = subject.model, subject.spec.model.name
    parameters = list(model.parameters())
    if not any(value.requires_grad for value in parameters):
        has = "all its parameters are frozen (requires_grad is False)" if parameters else "it has no parameters"
        raise ModelError(f"model {name!r} has nothing to train: {has}. Let at least one parameter require gradients.")
    with unchanged(model), subject.refusing("training", batch), subject.step(batch):
        logits = subject.logits(batch)
        _check_logits(subject, batch, logits)
        with subject.refusing("the loss", batch):
            loss = subject.loss(logits, batch)
        if not bool(torch.isfinite(loss)):
            low, high = range_of(batch)
            raise ModelError(
                f"model {name!r} (arm {subject.arm.name!r}) gives a loss of {float(loss.detach())} on {batch.name}, "
                f"before any training; a finite one is wanted. Inputs lie in {low:g} … "
                f"{high:g}: standardise them if they are large, and look at the initial weights."
            )
        if not loss.requires_grad:
            raise ModelError(
                f"model {name!r} (arm {subject.arm.name!r}) gives logits that no gradient flows through, although it "
                "has parameters to train: its forward detaches them (.detach(), .data, torch.no_grad(), a way through "
                "NumPy), or only frozen parameters take part. Leave that out."
            )
        with subject.refusing("the backward pass", batch):
            loss.backward()  # type: ignore[no-untyped-call]
    if all(value.grad is None for value in parameters):
        raise ModelError(
            f"model {name!r} (arm {subject.arm.name!r}): no parameter gets a gradient from the loss on {batch.name}; "
            "what requires gradients takes no part in the forward pass."
        )
    sparse = [name for name, value in model.named_parameters() if value.grad is not None and value.grad.is_sparse]
    if sparse:
        raise ModelError(
            f"model {name!r} (arm {subject.arm.name!r}) gives {sparse[0]!r} a sparse gradient; droplab's optimisers "
            "take dense ones. Build that embedding with sparse=False."
        )
    return logits


def _check_logits(subject: Subject, batch: Batch, logits: Any) -> None:
    if subject.spec.task != DEFAULT:
        try:
            subject.data.task.check_outputs(logits, batch.targets)
        except ModelError as problem:
            raise ModelError(f"model {subject.spec.model.name!r}, {batch.name}: {problem}") from None
        return
    wanted = (len(batch.targets), subject.data.classes)
    if not isinstance(logits, Tensor) or tuple(logits.shape) != wanted:
        got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise ModelError(
            f"model {subject.spec.model.name!r} gives {got} for {batch.name}, of {wanted[0]} samples; logits of shape "
            f"{wanted} are wanted, one for each of the {wanted[1]} classes of {subject.spec.data.name!r}"
        )


def _moves(value: Tensor) -> bool:
    return value.grad is not None and bool(value.grad.count_nonzero())

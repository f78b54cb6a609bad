"""One arm's model and the first real batches, as a run would see them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from droplab.data.trees import leaves, to
from droplab.errors import ModelError, words_of
from droplab.execution.check.arms import at
from droplab.nn import keyed, penalty
from droplab.schedules import for_sites, moves
from droplab.spec.arm import ArmSpec
from droplab.spec.experiment import ExperimentSpec
from droplab.spec.rivals import recipe_of
from droplab.surgery import Change
from droplab.tasks.classification import smoothed
from droplab.tasks.evaluate import outputs_of
from droplab.training.arming import give_arm, initial_model, on_device
from droplab.training.digests import weights_digest
from droplab.training.samples import RunData
from droplab.training.seeding import derive, seed_everything


class Batch(NamedTuple):
    """Samples of the training set, as a step gets them."""

    name: str
    inputs: Any
    targets: Any
    samples: Tensor
    """Their places in the training set."""


@dataclass(frozen=True)
class Refusing:
    """Turns whatever a model raises into a ``ModelError`` that says where, on what, and what to do."""

    model: str
    arm: str
    doing: str

    def __call__(self, batch: Batch) -> Any:
        return _refusing(self, batch)


@contextmanager
def _refusing(words: Refusing, batch: Batch) -> Iterator[None]:
    try:
        yield
    except ModelError:  # said already
        raise
    except (Exception, SystemExit) as problem:
        said = " ".join(words_of(problem).split())[:1000]
        raise ModelError(
            f"model {words.model!r} (arm {words.arm!r}) fails in {words.doing} on {batch.name}, of shape "
            f"{shape_of(batch)}: {said}{at(problem)}{_way_out(said, batch)}"
        ) from problem


def _way_out(said: str, batch: Batch) -> str:
    if any(words in said for words in ("index out of range", "out of bounds", "index_size", "not in the valid range")):
        low, high = range_of(batch)
        return (
            f". The batch's values lie in {low:g} … {high:g}: an index among them is outside a table of the model, "
            "such as an embedding. Make the table larger, or map the values; if pixels were made of whole numbers that "
            'are none, data.inputs = "as-is" leaves them as they are'
        )
    if "more than 1 value per channel" in said:
        return (
            ". BatchNorm cannot train on a single sample. Choose a recipe.batch_size or data.train_size that leaves a "
            "larger last batch, or leave it out: recipe.drop_last = true"
        )
    if "scalar types: Long" in said:
        return (
            ". An embedding wants whole numbers, and vectors without a task become float32; one with options leaves "
            'them whole: task = { name = "classification", figures = ["loss", "accuracy"] }'
        )
    if "can't allocate memory" in said or "out of memory" in said:
        return ". Choose a smaller recipe.batch_size"
    return ""


class Subject:
    """An arm's model with its first batch, its last one where that is smaller, and a batch of validation samples.

    Raises:
        ModelError: the model cannot be built.
    """

    def __init__(self, spec: ExperimentSpec, arm: ArmSpec, data: RunData) -> None:
        self.spec, self.arm, self.data = spec, arm, data.of(arm)
        self.recipe = recipe_of(spec, arm)
        self.task = smoothed(data.task, self.recipe.label_smoothing)
        data = self.data
        model = initial_model(spec, data.shape, data.classes, spec.seeds[0])
        self.weights = weights_digest(model)
        self.built = model
        """As the model function returned it."""
        self.signature = ""
        """Digest of one step, once ``check_passes`` has made it."""
        self.change: Change = give_arm(model, arm)
        self.model: nn.Module = on_device(model, data.shape, data.device)
        size, count = self.recipe.batch_size, len(data.train)
        self.first = _batch("the first batch", data.train, 0, min(size, count), data.device)
        self.validation = _batch("validation samples", data.validation, 0, min(size, len(data.validation)), data.device)
        rest = 0 if self.recipe.drop_last else count % size
        self.last = (
            _batch("the last batch", data.train, count - rest, count, data.device) if rest and size < count else None
        )

    @property
    def moves(self) -> bool:
        """Whether a schedule may move a rate of the arm away from its ``p``."""
        return any(moves(inner) for _, inner in for_sites(self.arm.schedule))

    def refusing(self, doing: str, batch: Batch) -> Any:
        """A ``with`` in which what the model raises becomes a ``ModelError``."""
        return _refusing(Refusing(self.spec.model.name, self.arm.name, doing), batch)

    @contextmanager
    def step(self, batch: Batch, seed: int = 0) -> Iterator[None]:
        """A ``with`` for one step in training mode; what is not keyed draws from generators seeded by ``seed``.

        The backward pass belongs into it too, as in a run: activation checkpointing recomputes layers there.
        """
        self.model.train()
        seed_everything(seed, "check")
        with keyed(self.model, seed=derive(0, "masks"), samples=batch.samples):
            yield

    def logits(self, batch: Batch) -> Tensor:
        """What the model gives for a batch."""
        with self._autocast():
            logits: Tensor = outputs_of(self.model, batch.inputs)
        return logits

    def train(self, batch: Batch, seed: int = 0) -> Tensor:
        """Logits of a step without its backward pass. Gradients are on, as some models take them in their forward."""
        with self.step(batch, seed):
            logits = self.logits(batch)
        return logits.detach() if isinstance(logits, Tensor) else logits

    def evaluate(self, batch: Batch, seed: int = 0) -> Tensor:
        """Logits in evaluation mode."""
        self.model.eval()
        seed_everything(seed, "check")
        return self.logits(batch)

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """What a step goes down: the task's loss, and the penalty of layers that have one."""
        loss = self.task.loss(logits, batch.targets)
        extra = penalty(self.model)
        return loss if extra is None else loss + extra / len(self.data.train)

    def _autocast(self) -> torch.autocast:
        wanted = self.spec.recipe.precision == "bfloat16"
        return torch.autocast(self.data.device.type, torch.bfloat16, enabled=wanted)


def _batch(name: str, samples: Any, start: int, end: int, device: torch.device) -> Batch:
    index = torch.arange(start, end, device=device)
    inputs, targets = to(tuple(samples.take(index)), device)
    return Batch(name, inputs, targets, index)


def shape_of(batch: Batch) -> str:
    """The shape of a batch's inputs, of each where there are several."""
    found = [f"{path} {tuple(tensor.shape)}".strip() for path, tensor in leaves(batch.inputs)]
    return ", ".join(found)


def range_of(batch: Batch) -> tuple[float, float]:
    """Least and most of a batch's inputs."""
    found = [tensor for _, tensor in leaves(batch.inputs)]
    return min(float(tensor.min()) for tensor in found), max(float(tensor.max()) for tensor in found)


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Give a model's buffers back as they were: running statistics, counters, what spectral norm iterates."""
    before = [
        (module, name, value, value.detach().clone())
        for module in model.modules()
        for name, value in module._buffers.items()  # noqa: SLF001  # a buffer may have been assigned anew
        if value is not None
    ]
    try:
        yield
    finally:
        with torch.no_grad():
            for module, name, value, content in before:
                value.copy_(content)
                module._buffers[name] = value  # noqa: SLF001

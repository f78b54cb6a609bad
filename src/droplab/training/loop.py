"""The house's own loop, a guest of the door like any other: plain PyTorch on samples that are on the device."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, final

import torch
from torch import Tensor

from droplab.data.picked import batches
from droplab.data.trees import to
from droplab.errors import DivergedError
from droplab.kernels import prepare
from droplab.nn import penalty
from droplab.records import Notice, Predictions
from droplab.spec.experiment import ExperimentSpec
from droplab.spec.rivals import recipe_of
from droplab.spec.tables import RecipeSpec, steps_per_epoch
from droplab.tasks.base import LOSS
from droplab.tasks.classification import smoothed
from droplab.tasks.evaluate import Added, outputs_of
from droplab.tasks.task import Sums
from droplab.training.arming import initial_model, on_device
from droplab.training.augment import flip_crop
from droplab.training.foldwise import Foldwise
from droplab.training.norms import watch
from droplab.training.optimise import FORGET_EVERY, apply_max_norm, forget_faded, lr_factor, make_optimizer
from droplab.training.run import Run, adopt, attached, tell
from droplab.training.samples import AT_ONCE, RunData
from droplab.training.seeding import derive, seed_everything

MOST_KEPT = 50_000
"""Validation samples of a task whose losses the ledger keeps at the end of a run, for the page."""
_LOSS_CHECK_STEPS = 100  # on a GPU, where reading a loss waits for the device; every step on the CPU


class SeedsData(Protocol):
    """The data of each seed: those of all, or drawn ones."""

    def of(self, seed: int) -> tuple[RunData, Notice | None]:
        """On the device; and how much that is, where it is drawn."""


@final
@dataclass(frozen=True)
class HouseLoop:
    """``train(run)`` of an experiment's spec.

    Args:
        spec: the experiment.
        data: what its seeds train and are measured on.
        precision: ``float32`` or ``bfloat16``.
    """

    spec: ExperimentSpec
    data: SeedsData
    precision: str

    def __call__(self, run: Run) -> None:
        """Train one arm with one seed.

        Raises:
            ModelError: the model cannot be built or does not give what the task asks for.
            SiteError: a site pattern of the arm matches nothing, or its schedule has nothing to move.
            DivergedError: a loss was NaN or infinite; ``step`` is the first such step that was seen.
            StoppedError: the run was told to stop.
        """
        data, drawn = self.data.of(run.seed)
        if drawn is not None:
            tell(run, drawn)
        training = Training(run, self.spec, recipe_of(self.spec, run.arm), data.of(run.arm), self.precision)
        for epoch in training.epochs():
            training.epoch(epoch)


@final
class Training:
    """One run of the house's own loop.

    The global generators are seeded with the run's seed: first for the initial weights, which are drawn before the arm
    touches the model, then for the masks. All arms of a seed therefore start from the same weights and see the same
    batches.

    Args:
        run: the door.
        spec: whose model it is.
        recipe: the run's.
        data: the run's, on the device.
        precision: ``float32`` or ``bfloat16``.
    """

    def __init__(self, run: Run, spec: ExperimentSpec, recipe: RecipeSpec, data: RunData, precision: str) -> None:
        self.run, self.recipe, self.data, self.precision = run, recipe, data, precision
        dict(run.settings)  # all that the arm changes is read: the recipe has it, and the data
        self.task = smoothed(data.task, recipe.label_smoothing)
        model = adopt(run, initial_model(spec, data.shape, data.classes, run.seed))
        self.model = on_device(model, data.shape, data.device)
        with torch.no_grad():
            self._penalised = penalty(self.model) is not None
        self.optimizer = make_optimizer(self.model, recipe)
        self.steps_per_epoch = steps_per_epoch(len(data.train), recipe)
        self._at_once = max(data.at_once, min(AT_ONCE, spec.recipe.batch_size))
        self._trained = Added(self.task)
        if data.device.type == "cpu":
            prepare()  # or the first epoch's seconds would count the loading of the kernel
        seed_everything(run.seed, "masks")

    def epochs(self) -> Iterator[int]:
        """Those that are not done yet; each is evaluated when it has been trained."""
        return self.run.epochs(
            self.recipe.epochs,
            steps_per_epoch=self.steps_per_epoch,
            evaluate=self.validate,
            optimizer=self.optimizer,
        )

    def epoch(self, epoch: int) -> None:
        """Train an epoch, counted from 0; it decides the order of the data and the learning rate."""
        trained, lr = self._train(epoch)
        self.run.report(**{f"train_{name}": value for name, value in trained.items()})
        self.run.report(**{f"fit_{name}": value for name, value in self.evaluate(self.data.fit).items()})
        self.run.log({"lr": lr, **self._penalty()})
        every = self.recipe.watch_every
        if every and (epoch % every == 0 or epoch == self.recipe.epochs - 1):
            norms, attached(self.run).histograms = watch(self.model)
            self.run.log(norms)

    def validate(self) -> dict[str, float]:
        """Figures on validation samples; what they are on folds, and of each sample at the end, goes with them."""
        last = self.run.epoch == self.recipe.epochs - 1
        each = last and len(self.data.validation) <= MOST_KEPT
        foldwise = Foldwise(self.task, len(self.data.validation), self.data.groups, each=each)
        found = self.evaluate(self.data.validation, foldwise)
        attached(self.run).folds = {f"val_{name}": pairs for name, pairs in foldwise.pairs().items()}
        if last:
            shown = attached(self.run).predictions = self.predict(self.data.validation)
            if shown is None and (kept := foldwise.losses()).values:
                attached(self.run).samples = {f"val_{LOSS}": kept}
        return {f"val_{name}": value for name, value in found.items()}

    def _train(self, epoch: int) -> tuple[dict[str, float], float]:
        """Figures as trained, weighted by samples, and the last learning rate."""
        self.model.train()
        device, recipe, size = self.data.device, self.recipe, self.recipe.batch_size
        generator = torch.Generator().manual_seed(derive(self.run.seed, "order", epoch))
        order = torch.randperm(len(self.data.train), generator=generator).to(device)
        order = order[: self.steps_per_epoch * size]
        taken = batches(self.data.train, order, size, epoch, self.run.seed)
        self._trained = Added(self.task)
        check_every = 1 if device.type == "cpu" else _LOSS_CHECK_STEPS
        lr = recipe.lr
        for local, (index, batch) in enumerate(zip(torch.split(order, size), taken, strict=True)):
            with self.run.step(samples=index) as step:
                lr = self._move_lr(step)
                inputs, targets = self.here(batch)
                if recipe.augmentation == "flip-crop":
                    inputs = flip_crop(inputs, generator)
                loss, _ = self.step(inputs, targets, step)
                if device.type == "cpu" and step % FORGET_EVERY == 0:  # a GPU is not slowed by subnormal numbers
                    forget_faded(self.optimizer)
                if device.type == "cuda" and local + 1 == self.steps_per_epoch:
                    torch.cuda.synchronize(device)  # the epoch's seconds end here
            if local % check_every == 0 and not math.isfinite(float(loss)):
                raise DivergedError("the training loss is no longer finite", step=step)
        return self._trained.figures_of_sums(), lr

    def _move_lr(self, step: int) -> float:
        recipe = self.recipe
        if recipe.lr_schedule == "constant":
            return recipe.lr
        lr = recipe.lr * lr_factor(recipe.lr_schedule, step, self.steps_per_epoch * recipe.epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        return lr

    def step(self, inputs: Any, targets: Any, step: int) -> tuple[Tensor, Sums]:
        """One step on one batch, within a ``run.step``; the mean loss and the task's sums, on the device."""
        with self._autocast():
            outputs = outputs_of(self.model, inputs)
        loss = self.task.loss(outputs, targets)
        self.optimizer.zero_grad(set_to_none=True)
        extra = penalty(self.model) if self._penalised else None
        total = loss if extra is None else loss + extra * (self._penalty_weight(step) / len(self.data.train))
        total.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        if self.recipe.max_norm is not None:
            apply_max_norm(self.model, self.recipe.max_norm)
        sums = self.task.trained(outputs.detach(), targets, loss.detach())
        self._trained.put(sums)
        return loss.detach(), sums

    def _penalty_weight(self, step: int) -> float:
        """1, or less while penalties rise."""
        rising = self.recipe.penalty_warm_up * self.steps_per_epoch * self.recipe.epochs
        return min(1.0, step / rising) if rising else 1.0

    def _penalty(self) -> dict[str, float]:
        """What the layers add to the loss, in nats per training sample; nothing where they add nothing."""
        if not self._penalised:
            return {}
        with torch.no_grad():
            extra = penalty(self.model)
        return {"penalty": float(extra) / len(self.data.train)} if extra is not None else {}

    def evaluate(self, samples: Any, foldwise: Foldwise | None = None) -> dict[str, float]:
        """The task's figures in eval mode, over all of ``samples``; their sums on folds where that is asked for."""
        added = Added(self.task)
        with torch.inference_mode():
            for outputs, targets in self._evaluated(samples):
                added.add(outputs, targets)
                if foldwise is not None:
                    foldwise.add(outputs, targets)
        return added.figures()

    def predict(self, samples: Any) -> Predictions | None:
        """What the task shows of each sample in eval mode, where it shows anything."""
        classes, confidence = list[int](), list[float]()
        with torch.inference_mode():
            for outputs, targets in self._evaluated(samples):
                shown = self.task.shown(outputs, targets)
                if shown is None:
                    return None
                classes += shown.classes
                confidence += shown.confidence
        return Predictions(tuple(classes), tuple(confidence))

    def _evaluated(self, samples: Any) -> Iterator[tuple[Tensor, Any]]:
        self.model.eval()
        for batch in samples.chunks(self._at_once):
            inputs, targets = self.here(batch)
            with self._autocast():
                outputs = outputs_of(self.model, inputs).float()
            yield outputs, targets

    def here(self, batch: Any) -> Any:
        """A batch on the device; that of samples which are there already is the same object."""
        return (
            batch
            if isinstance(batch[0], Tensor) and batch[0].device == self.data.device
            else to(batch, self.data.device)
        )

    def _autocast(self) -> torch.autocast:
        return torch.autocast(
            self.data.device.type, torch.bfloat16, enabled=self.precision == "bfloat16", cache_enabled=True
        )

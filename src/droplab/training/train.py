"""The training loop: plain PyTorch, one epoch at a time, everything it measures returned."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import torch
from torch import Tensor

from droplab.data.picked import batches
from droplab.data.trees import to
from droplab.errors import DivergedError
from droplab.kernels import prepare
from droplab.measures import PARTS
from droplab.nn import keyed, penalty
from droplab.records import Measurement, Predictions
from droplab.spec.experiment import ArmSpec, ExperimentSpec, RecipeSpec
from droplab.spec.rivals import recipe_of
from droplab.surgery import rates
from droplab.tasks.classification import smoothed
from droplab.tasks.evaluate import Added, outputs_of
from droplab.tasks.task import Sums
from droplab.training.arming import give_arm, initial_model, on_device
from droplab.training.augment import flip_crop
from droplab.training.beside import restore_beside, state_beside
from droplab.training.digests import weights_digest
from droplab.training.foldwise import Foldwise
from droplab.training.moving import MovingRates
from droplab.training.norms import watch
from droplab.training.optimise import FORGET_EVERY, apply_max_norm, forget_faded, lr_factor, make_optimizer
from droplab.training.port import StoppedError
from droplab.training.samples import RunData
from droplab.training.seeding import derive, generators_state, restore_generators, seed_everything

EVALUATION_BATCH = 512
_LOSS_CHECK_STEPS = 100  # on a GPU, where reading a loss waits for the device; every step on the CPU


def steps_per_epoch(samples: int, recipe: RecipeSpec) -> int:
    """How many batches an epoch has.

    >>> steps_per_epoch(97, RecipeSpec(batch_size=32)), steps_per_epoch(97, RecipeSpec(batch_size=32, drop_last=True))
    (4, 3)
    """
    return samples // recipe.batch_size if recipe.drop_last else math.ceil(samples / recipe.batch_size)


class Inspector(Protocol):
    """Looks into every step of an epoch; ``diverge.py`` uses it to find where NaN began."""

    def forward(self, step: int) -> AbstractContextManager[None]:
        """Around the forward pass."""

    def loss(self, step: int, loss: Tensor) -> None:
        """Before the backward pass."""

    def gradients(self, step: int) -> None:
        """After the backward pass."""

    def update(self, step: int) -> None:
        """After the optimiser's step."""


class Trainer:
    """One run: a model with an arm's rates, its optimiser, and the run's random streams.

    Construction seeds the global generators with the run's seed: first for the initial weights, which
    are drawn before the arm touches the model, then for the masks. All arms of a seed therefore start
    from the same weights and see the same batches. Continue an interrupted run with ``load_state``.

    Args:
        spec: the experiment.
        arm: the arm to train.
        seed: the run's seed.
        data: the data on the device.
        precision: ``float32`` or ``bfloat16``.

    Raises:
        ModelError: the model cannot be built or does not give ``(N, classes)``.
        SiteError: a site pattern of the arm matches nothing, or its schedule has nothing to move.
    """

    def __init__(self, spec: ExperimentSpec, arm: ArmSpec, seed: int, data: RunData, precision: str) -> None:
        self.spec, self.arm, self.seed, self.data = spec, arm, seed, data
        self.recipe = recipe_of(spec, arm)
        self.task = smoothed(data.task, self.recipe.label_smoothing)
        self._trained = Added(self.task)
        self.precision = precision
        model = initial_model(spec, data.shape, data.classes, seed)
        self._initial_weights = weights_digest(model)
        change = give_arm(model, arm)
        self.model = on_device(model, data.shape, data.device)
        with torch.no_grad():
            self._penalised = penalty(self.model) is not None
        self.moving = MovingRates(self.model, arm.schedule, change.rates)
        self.optimizer = make_optimizer(self.model, self.recipe)
        self.mask_seed = derive(seed, "masks")
        self.steps_per_epoch = steps_per_epoch(len(data.train), self.recipe)
        if data.device.type == "cpu":
            prepare()  # or the first epoch's seconds would count the loading of the kernel
        seed_everything(seed, "masks")

    def state(self) -> dict[str, Any]:
        """All that continuing needs: weights, optimiser, all generators, what schedules remember, what is beside.

        ``torch.load(weights_only=True)`` accepts it, unless the model's own state has what that does not.
        """
        return {
            **self.final_state(),
            "optimizer": self.optimizer.state_dict(),
            "generators": generators_state(),
        }

    def final_state(self) -> dict[str, Any]:
        """What is wanted of a run that is done: its weights and what makes them a model."""
        return {
            "model": self.model.state_dict(),
            "beside": state_beside(self.model),
            "schedules": self.moving.state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from a ``state()``; of a ``final_state()``, only to evaluate."""
        self.model.load_state_dict(state["model"])
        restore_beside(self.model, state.get("beside", {}))  # older checkpoints have none, nor of schedules
        self.moving.load_state(state.get("schedules", {}))
        if "optimizer" in state:
            self.optimizer.load_state_dict(state["optimizer"])
            restore_generators(state["generators"])

    def epoch(
        self, epoch: int, stop: Callable[[], bool] = lambda: False, inspector: Inspector | None = None
    ) -> Measurement:
        """Train one epoch and measure it.

        Args:
            epoch: counted from 0; decides the order of the data, the learning rate and scheduled drop rates.
            stop: asked before every step.
            inspector: looks into every step.

        Raises:
            DivergedError: a loss was NaN or infinite; ``step`` is the first such step that was seen.
            StoppedError: ``stop()`` said so.
        """
        began = time.perf_counter()
        trained, lr = self._train_epoch(epoch, stop, inspector)
        if self.data.device.type == "cuda":
            torch.cuda.synchronize(self.data.device)
        seconds = time.perf_counter() - began
        first = self.task.measures[0]
        metrics = {f"train_{name}": value for name, value in trained.items()}
        metrics |= {f"fit_{name}": value for name, value in self.evaluate(self.data.fit).items()}
        foldwise = Foldwise(self.task, len(self.data.validation), self.data.groups)
        metrics |= {f"val_{name}": value for name, value in self.evaluate(self.data.validation, foldwise).items()}
        metrics["gap"] = (metrics[f"fit_{first.name}"] - metrics[f"val_{first.name}"]) * first.sign
        if not all(math.isfinite(metrics.get(f"{part}_{first.name}", 0.0)) for part in PARTS):
            raise DivergedError("the loss is no longer finite", step=(epoch + 1) * self.steps_per_epoch - 1)
        metrics["lr"] = lr
        metrics.update({f"p/{site}": rate for site, rate in rates(self.model).items()})
        metrics.update(self.moving.measure())
        metrics.update(self._penalty())
        self.moving.after_epoch(metrics)  # for the next epoch; p/SITE above is what this one ended with
        metrics["seconds"] = seconds
        seen = min(len(self.data.train), self.steps_per_epoch * self.recipe.batch_size)
        metrics["images_per_second"] = seen / seconds
        every = self.recipe.watch_every
        last = epoch == self.recipe.epochs - 1
        predictions = self.predict(self.data.validation) if last else None
        weights, self._initial_weights = self._initial_weights, ""
        folds = {f"val_{name}": pairs for name, pairs in foldwise.pairs().items()}
        if every and (epoch % every == 0 or last):
            norms, histograms = watch(self.model)
            return Measurement(epoch, {**metrics, **norms}, histograms, predictions, weights, folds=folds)
        return Measurement(epoch, metrics, (), predictions, weights, folds=folds)

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
        self.model.eval()
        added = Added(self.task)
        with torch.inference_mode():
            for outputs, targets in self._evaluated(samples):
                added.add(outputs, targets)
                if foldwise is not None:
                    foldwise.add(outputs, targets)
        return added.figures()

    def predict(self, samples: Any) -> Predictions | None:
        """What the task shows of each sample in eval mode, where it shows anything."""
        self.model.eval()
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
        for batch in samples.chunks(EVALUATION_BATCH):
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

    def _train_epoch(
        self, epoch: int, stop: Callable[[], bool], inspector: Inspector | None
    ) -> tuple[dict[str, float], float]:
        """Figures as trained, weighted by samples, and the last learning rate."""
        self.model.train()
        device, size = self.data.device, self.recipe.batch_size
        generator = torch.Generator().manual_seed(derive(self.seed, "order", epoch))
        order = torch.randperm(len(self.data.train), generator=generator).to(device)
        order = order[: self.steps_per_epoch * size]
        self._trained = Added(self.task)
        total_steps = self.steps_per_epoch * self.recipe.epochs
        check_every = 1 if device.type == "cpu" else _LOSS_CHECK_STEPS
        lr = self.recipe.lr
        taken = batches(self.data.train, order, size, epoch, self.seed)
        for local, (index, batch) in enumerate(zip(torch.split(order, size), taken, strict=True)):
            if stop():
                raise StoppedError
            step = epoch * self.steps_per_epoch + local
            if self.recipe.lr_schedule != "constant":
                lr = self.recipe.lr * lr_factor(self.recipe.lr_schedule, step, total_steps)
                for group in self.optimizer.param_groups:
                    group["lr"] = lr
            self.moving.before_step(step, total_steps)
            inputs, targets = self.here(batch)
            if self.recipe.augmentation == "flip-crop":
                inputs = flip_crop(inputs, generator)
            loss, _ = self.step(inputs, targets, step, inspector, samples=index)
            if device.type == "cpu" and step % FORGET_EVERY == 0:  # a GPU is not slowed by subnormal numbers
                forget_faded(self.optimizer)
            if local % check_every == 0 and not math.isfinite(float(loss)):
                raise DivergedError("the training loss is no longer finite", step=step)
        return self._trained.figures_of_sums(), lr

    def step(
        self,
        inputs: Any,
        targets: Any,
        step: int = 0,
        inspector: Inspector | None = None,
        samples: Tensor | None = None,
    ) -> tuple[Tensor, Sums]:
        """One step on one batch; the mean loss and the task's sums, on the device.

        Masks are keyed by the run's seed, the step and the samples' places in the training set.
        """
        with keyed(self.model, seed=self.mask_seed, step=step, samples=samples):
            return self._step(inputs, targets, step, inspector)

    def _step(self, inputs: Any, targets: Any, step: int, inspector: Inspector | None) -> tuple[Tensor, Sums]:
        if inspector is None:
            with self._autocast():
                outputs = outputs_of(self.model, inputs)
        else:
            with self._autocast(), inspector.forward(step):
                outputs = outputs_of(self.model, inputs)
        loss = self.task.loss(outputs, targets)
        if inspector is not None:
            inspector.loss(step, loss)
        self.optimizer.zero_grad(set_to_none=True)
        extra = penalty(self.model) if self._penalised else None
        total = loss if extra is None else loss + extra * (self._penalty_weight(step) / len(self.data.train))
        total.backward()  # type: ignore[no-untyped-call]
        if inspector is not None:
            inspector.gradients(step)
        self.optimizer.step()
        if self.recipe.max_norm is not None:
            apply_max_norm(self.model, self.recipe.max_norm)
        if inspector is not None:
            inspector.update(step)
        sums = self.task.trained(outputs.detach(), targets, loss.detach())
        self._trained.put(sums)
        return loss.detach(), sums

    def _autocast(self) -> torch.autocast:
        return torch.autocast(
            self.data.device.type, torch.bfloat16, enabled=self.precision == "bfloat16", cache_enabled=True
        )

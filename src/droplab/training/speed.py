"""How many images per second a run trains at, by training a few steps of it."""

from __future__ import annotations

import time

import torch

from droplab.spec.experiment import ExperimentSpec
from droplab.spec.rivals import dearest, recipe_of
from droplab.training.augment import flip_crop
from droplab.training.loop import Training
from droplab.training.run import Run
from droplab.training.samples import RunData
from droplab.training.seeding import borrowed_generators
from droplab.training.terms import Terms
from droplab.training.watching import Nobody, Past

_WARM_UP = 3


def training_speed(spec: ExperimentSpec, data: RunData, precision: str, seconds: float) -> float:
    """Training images per second of the dearest arm, measured for about ``seconds`` after a warm-up.

    The weights it trains are thrown away, and the global generators are left as they were.
    """
    with borrowed_generators():
        arm = dearest(spec)
        terms = Terms(data.task.measures, 0, str(data.device))
        run = Run(arm, spec.seeds[0], terms, Past(), 0, Nobody(lambda: False))
        training = Training(run, spec, recipe_of(spec, arm), data.of(arm), precision)
        next(training.epochs())
        recipe, train = training.recipe, training.data.train
        size = min(recipe.batch_size, len(train))
        inputs, targets = training.here(train.take(torch.arange(size, device=data.device)))
        generator = torch.Generator()

        def step() -> None:
            with run.step() as number:
                augmented = flip_crop(inputs, generator) if recipe.augmentation == "flip-crop" else inputs
                training.step(augmented, targets, number)

        training.model.train()
        for _ in range(_WARM_UP):
            step()
        _wait(data.device)
        began, steps = time.perf_counter(), 0
        while (spent := time.perf_counter() - began) < seconds or steps < 2:
            step()
            _wait(data.device)
            steps += 1
        return size * steps / spent


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)

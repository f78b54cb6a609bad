"""How many images per second a run trains at, by training a few steps of it."""

from __future__ import annotations

import time

import torch

from droplab.spec.experiment import ExperimentSpec
from droplab.spec.rivals import dearest
from droplab.training.augment import flip_crop
from droplab.training.samples import RunData
from droplab.training.seeding import borrowed_generators
from droplab.training.train import Trainer

_WARM_UP = 3


def training_speed(spec: ExperimentSpec, data: RunData, precision: str, seconds: float) -> float:
    """Training images per second of the dearest arm, measured for about ``seconds`` after a warm-up.

    The weights it trains are thrown away, and the global generators are left as they were.
    """
    with borrowed_generators():
        arm = dearest(spec)
        trainer = Trainer(spec, arm, spec.seeds[0], data.of(arm), precision)
        trainer.model.train()
        train = trainer.data.train
        size = min(trainer.recipe.batch_size, len(train))
        index = torch.arange(size, device=data.device)
        inputs, targets = trainer.here(train.take(index))
        generator = torch.Generator()
        augmented = trainer.recipe.augmentation == "flip-crop"
        for _ in range(_WARM_UP):
            trainer.step(inputs, targets)
        _wait(data.device)
        began, steps = time.perf_counter(), 0
        while (spent := time.perf_counter() - began) < seconds or steps < 2:
            trainer.step(flip_crop(inputs, generator) if augmented else inputs, targets)
            _wait(data.device)
            steps += 1
        return size * steps / spent


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)

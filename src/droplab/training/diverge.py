"""Where did NaN or infinity begin? Replay the epoch and look into every step.

Watching every layer all the time would slow all runs for the sake of a few. A run is a pure function of
its seed, so the epoch is trained again from its start with hooks on every layer, and the first thing
that is not finite is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from droplab.errors import DivergedError
from droplab.training.train import Trainer


def _finite(value: Any) -> bool:
    return not isinstance(value, Tensor) or not value.is_floating_point() or bool(torch.isfinite(value).all())


class _Finder:
    """An ``Inspector`` that raises ``DivergedError`` at the first value that is not finite."""

    def __init__(self, model: nn.Module, epoch: int) -> None:
        self._model, self._epoch = model, epoch

    def _found(self, step: int, layer: str, what: str) -> DivergedError:
        return DivergedError(
            f"NaN or infinity began in {what}, at step {step + 1} (epoch {self._epoch + 1}). "
            "Try a lower learning rate (recipe.lr), float32 precision, or check the data for outliers.",
            step=step,
            layer=layer,
        )

    @contextmanager
    def forward(self, step: int) -> Iterator[None]:
        def check(name: str) -> Any:
            def hook(_module: nn.Module, _args: Any, output: Any) -> None:
                if not _finite(output):
                    raise self._found(step, name, f"the output of {name}")

            return hook

        leaves = [(n, m) for n, m in self._model.named_modules() if n and not any(True for _ in m.children())]
        handles = [module.register_forward_hook(check(name)) for name, module in leaves]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def loss(self, step: int, loss: Tensor) -> None:
        if not _finite(loss):
            raise self._found(step, "loss", "the loss itself (every layer's output was finite)")

    def gradients(self, step: int) -> None:
        for name, parameter in reversed(list(self._model.named_parameters())):
            if not _finite(parameter.grad):
                raise self._found(step, name, f"the gradient of {name}")

    def update(self, step: int) -> None:
        for name, parameter in self._model.named_parameters():
            if parameter.requires_grad and not _finite(parameter):  # a frozen one may be a mask of -inf
                raise self._found(step, name, f"the optimiser's update of {name}")


def locate(trainer: Trainer, epoch: int, seen: DivergedError) -> DivergedError:
    """The error to report: the one that a replay of ``epoch`` finds, or ``seen`` where it finds none.

    Args:
        trainer: in the state of the epoch's start.
        epoch: counted from 0.
        seen: what the run itself met.
    """
    try:
        trainer.epoch(epoch, inspector=_Finder(trainer.model, epoch))
    except DivergedError as found:
        return found
    return DivergedError(
        f"the loss was not finite at step {seen.step + 1} (epoch {epoch + 1}), "
        "but a replay of the epoch stayed finite: this device does not repeat itself exactly.",
        step=seen.step,
    )

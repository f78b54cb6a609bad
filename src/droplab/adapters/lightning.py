"""droplab in a Lightning ``Trainer``."""

from __future__ import annotations

from typing import Any

from droplab.adapters.driven import Driven
from droplab.errors import FailureError
from droplab.training.run import Run

try:
    from pytorch_lightning import Callback
except ImportError:
    try:
        from lightning.pytorch import Callback
    except ImportError:
        raise FailureError("this adapter needs Lightning: pip install 'droplab[lightning]'") from None


class DroplabCallback(Callback):  # type: ignore[misc]  # it has no types here
    """For ``Trainer(callbacks=[…])``: moves ``p``, names the masks, reports what the module logs in each epoch.

    The module trains a model of ``run.prepare``, with batches of ``run.loader``.
    """

    def __init__(self, run: Run) -> None:
        self._driven = Driven(run)

    def on_train_start(self, trainer: Any, *_: Any) -> None:
        """Epochs begin; loggers are open by now."""
        if trainer.is_global_zero:
            for logger in trainer.loggers:
                self._driven.run.label(logger)
        self._driven.begin(trainer.max_epochs)

    def on_train_epoch_start(self, *_: Any) -> None:
        """The next one."""
        self._driven.epoch()

    def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, *_: Any) -> None:  # noqa: ARG002
        """Before forward and backward pass; Lightning has the next batch in hand already."""
        self._driven.step_begins(batch)

    def on_train_batch_end(self, *_: Any) -> None:
        """After them."""
        self._driven.step_ends()

    def on_train_epoch_end(self, trainer: Any, *_: Any) -> None:
        """Validation comes before; what the module logged is known."""
        self._driven.note(trainer.callback_metrics)
        if trainer.logger is not None:
            trainer.logger.log_metrics(self._driven.rates(), step=trainer.global_step)

    def on_train_end(self, *_: Any) -> None:
        """The last epoch is told."""
        self._driven.finish()

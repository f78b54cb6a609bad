"""droplab in a Hugging Face ``Trainer``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from droplab.adapters.driven import Driven
from droplab.adapters.plain import PlainRun
from droplab.errors import FailureError
from droplab.training.run import Run

try:
    from transformers import TrainerCallback
except ImportError:
    raise FailureError("this adapter needs transformers: pip install 'droplab[transformers]'") from None


def model_init(run: Run, make: Callable[[], Any]) -> Callable[[], Any]:
    """For ``Trainer(model_init=…)``, which calls it more than once: weights under the run's seed, then the arm."""
    return cache(lambda: run.prepare(make))


class DroplabCallback(TrainerCallback):  # type: ignore[misc]  # it has no types here
    """Moves ``p``, names the masks, reports what is evaluated after each epoch. Use ``attach``."""

    def __init__(self, run: Run, others: Callable[[], Iterable[Any]] = tuple) -> None:
        self._driven = Driven(run)
        self._others = others
        """Callbacks, of which TensorBoard's has a writer."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002  # as they are called
        """Epochs begin."""
        self._driven.begin(int(state.num_train_epochs))

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        """The one before has been evaluated meanwhile; loggers are open by now."""
        for other in self._others():
            if getattr(other, "tb_writer", None) is not None:
                self._driven.run.label(other.tb_writer)
        self._driven.epoch()

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Before forward and backward pass."""
        self._driven.step_begins()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """After them."""
        self._driven.step_ends()

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any) -> None:  # noqa: ARG002
        """``eval_*``, with what ``compute_metrics`` gives."""
        self._driven.note(metrics or {})

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ARG002
        """``p`` of every site, beside the loss."""
        if logs is not None:
            logs |= self._driven.rates()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """The last epoch is told."""
        self._driven.finish()


def attach(run: Run, trainer: Any) -> None:
    """Give a ``Trainer`` the run: callback, order of the batches, and seed.

    Args:
        run: the run.
        trainer: made with ``model_init=model_init(run, make)`` and ``eval_strategy="epoch"``.
    """
    handler = trainer.callback_handler
    callback = DroplabCallback(run, lambda: handler.callbacks)
    handler.callbacks.insert(0, callback)  # before those that write the log
    if isinstance(run, PlainRun):
        return
    args = trainer.args
    args.seed = args.data_seed = run.seed

    def batches() -> Any:
        return run.loader(
            trainer.train_dataset,
            batch_size=args.train_batch_size,
            collate_fn=trainer.data_collator,
            drop_last=args.dataloader_drop_last,
            num_workers=args.dataloader_num_workers,
        )

    trainer.get_train_dataloader = batches

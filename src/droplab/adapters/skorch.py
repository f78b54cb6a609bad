"""droplab in a skorch net."""

from __future__ import annotations

from typing import Any

from droplab.adapters.driven import Driven
from droplab.errors import FailureError
from droplab.training.run import Run

try:
    from skorch.callbacks import Callback
except ImportError:
    raise FailureError("this adapter needs skorch: pip install 'droplab[skorch]'") from None


class DroplabCallback(Callback):  # type: ignore[misc]  # it has no types here
    """For ``NeuralNet(module=run.prepare(Net), iterator_train=loaders(run), callbacks=[…])``."""

    def __init__(self, run: Run) -> None:
        self._driven = Driven(run)

    def on_train_begin(self, net: Any, *_: Any, **__: Any) -> None:
        """Epochs begin."""
        self._driven.begin(net.max_epochs)

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        """The next one."""
        self._driven.epoch()

    def on_batch_begin(self, net: Any, batch: Any = None, training: bool = False, **_: Any) -> None:  # noqa: ARG002
        """Before forward and backward pass."""
        if training:
            self._driven.step_begins(batch)

    def on_batch_end(self, *_: Any, **__: Any) -> None:
        """After them."""
        self._driven.step_ends()

    def on_epoch_end(self, net: Any, *_: Any, **__: Any) -> None:
        """What the history has of the epoch, and ``p`` into it."""
        self._driven.note({key: value for key, value in net.history[-1].items() if key != "batches"})
        for name, rate in self._driven.rates().items():
            net.history.record(name, rate)

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """The last epoch is told."""
        self._driven.finish()


def loaders(run: Run) -> Any:
    """For ``iterator_train=…``: skorch asks for a loader in each epoch, and gets the one that it got before."""
    made: dict[int, Any] = {}

    def iterator(dataset: Any, batch_size: int, shuffle: bool = True, **options: Any) -> Any:
        del shuffle
        found = made.get(len(dataset))
        if found is None:
            found = made[len(dataset)] = run.loader(dataset, batch_size=batch_size, **options)
        return found

    return iterator

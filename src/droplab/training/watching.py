"""Where did a loop's NaN or infinity begin? Its epoch is trained again, and every layer is looked at.

A loop is a pure function of its run, so it is called once more with a run that begins where the epoch began and tells
nothing to anybody. Without ``run.epochs`` that would be the whole training, and is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, final

import torch
from torch import Tensor, nn

from droplab.errors import DivergedError
from droplab.records import Measurement, Notice
from droplab.training.models import Models
from droplab.training.port import Loaded, StoppedError, Store


@final
class Watch:
    """Knows the first layer of a step, or of an evaluation, whose output is not finite, and when weights are not.

    An output may be infinite on purpose, such as a mask of attention, and an infinite gradient may be scaled away: only
    a step that leaves weights that are not finite is where a loss was lost.
    """

    def __init__(self) -> None:
        self._models: dict[str, nn.Module] = {}
        self.odd = ""
        """The layer, since the last step began or ended."""

    def begin(self, models: Models) -> None:
        """Look at every layer from now on; once."""
        if self._models:
            return
        self._models = {prepared.prefix: prepared.model for prepared in models.by_name.values()}
        for prefix, model in self._models.items():
            for name, module in model.named_modules():
                if not any(True for _ in module.children()):
                    module.register_forward_hook(self._hook(f"{prefix}{name}"))

    def _hook(self, name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(_module: nn.Module, _args: Any, output: Any) -> None:
            if not self.odd and not _finite(output):
                self.odd = name

        return hook

    @contextmanager
    def step(self, step: int) -> Iterator[None]:
        """Around a step.

        Raises:
            DivergedError: it left weights that are not finite.
        """
        self.odd = ""
        yield
        for prefix, model in self._models.items():
            for name, weight in model.named_parameters():
                if weight.requires_grad and not _finite(weight):  # a frozen one may be a mask of -inf
                    raise self._found(step, f"{prefix}{name}")
        self.odd = ""

    def _found(self, step: int, weight: str) -> DivergedError:
        where, layer = f"the optimiser's update of {weight}", weight
        graded = [(f"{p}{n}", w.grad) for p, m in self._models.items() for n, w in m.named_parameters()]
        lost = next((name for name, gradient in reversed(graded) if not _finite(gradient)), None)
        if self.odd:
            where = layer = self.odd
            where = f"the output of {layer}"
        elif lost is not None:
            where, layer = f"the loss or the gradient of {lost} (every layer's output was finite)", lost
        return DivergedError(f"NaN or infinity began in {where}, at step {step + 1}", step=step, layer=layer)


def _finite(value: Any) -> bool:
    return not isinstance(value, Tensor) or not value.is_floating_point() or bool(torch.isfinite(value).all())


@final
class Past:
    """The checkpoints up to an epoch, or none at all; nothing is written."""

    def __init__(self, store: Store | None = None, epoch: int = 0) -> None:
        self._store, self._epoch = store, epoch

    def check(self, state: dict[str, Any], /) -> None:
        """It could be kept before."""

    def save(self, epochs_done: int, state: dict[str, Any], /, *, keep: int) -> None:
        """Nothing is kept."""

    def latest(self, _at_most: int | None = None, /) -> Loaded | None:
        """The one with which the epoch began."""
        return self._store.latest(self._epoch) if self._store is not None and self._epoch else None


@final
class Nobody:
    """A port to nobody; ends the run with the epoch."""

    def __init__(self, stop: Callable[[], bool]) -> None:
        self.stop = stop
        self.whole = False
        """Whether the epoch has ended."""

    def planned(self, epochs: int) -> str:  # noqa: ARG002  # a port is told
        """So it was."""
        return ""

    def counted(self, epochs: int) -> None:
        """Nobody counts."""

    def epoch(self, measurement: Measurement) -> None:  # noqa: ARG002  # as above
        """The epoch has stayed finite."""
        self.whole = True
        raise StoppedError

    def restart(self) -> None:
        """Nothing is forgotten."""

    def notice(self, notice: Notice) -> None:
        """All was said before."""

    def also_in(self, sink: str, where: Mapping[str, str]) -> None:
        """It is labelled."""

    def say(self, text: str) -> None:
        """All was said before."""


def located(
    seen: DivergedError, again: Callable[[Watch, Nobody], Any], stop: Callable[[], bool], epoch: int
) -> DivergedError:
    """The error to report: with step and layer where a replay finds them.

    Args:
        seen: what the run itself met.
        again: calls the loop once more, watched.
        stop: whether the run is to end between steps.
        epoch: that diverged, from 0.
    """
    watch, nobody = Watch(), Nobody(stop)
    advice = "Try a lower learning rate, float32 precision, or check the data for outliers"
    try:
        again(watch, nobody)
    except DivergedError as found:
        if found.layer:
            return DivergedError(f"{seen}. {found} (epoch {epoch + 1}). {advice}", step=found.step, layer=found.layer)
        where = f"in evaluation the output of {watch.odd} was not" if watch.odd else "so did every layer's output"
        return DivergedError(f"{seen}. All weights stayed finite; {where}", step=seen.step, layer=watch.odd)
    except Exception:  # noqa: BLE001  # what was seen is reported; the replay only adds to it
        if nobody.whole:
            return DivergedError(f"{seen}; trained again, the epoch stayed finite: it is not the same twice", seen.step)
        return seen
    return seen

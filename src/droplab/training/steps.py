"""The steps of a run: what happens before forward and backward pass of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, final

import torch
from torch import Tensor

from droplab.errors import UserError
from droplab.records import Notice
from droplab.spec.arm import ArmSpec
from droplab.training.loaders import Loaders
from droplab.training.models import Models
from droplab.training.once import Once
from droplab.training.port import Port, StoppedError
from droplab.training.progress import Progress
from droplab.training.reports import Reports
from droplab.training.watching import Watch


@final
class Steps:
    """Moves ``p``, names the masks, hears of a stop.

    Args:
        arm: the run's.
        device: the models'.
        models: the run's.
        loaders: they know which samples the batch in hand holds.
        progress: the run's.
        reports: its clock.
        once: the run's notices.
        port: tells of a stop.
        watch: looks for what is not finite.
    """

    def __init__(
        self,
        arm: ArmSpec,
        device: torch.device,
        models: Models,
        loaders: Loaders,
        progress: Progress,
        reports: Reports,
        once: Once,
        port: Port,
        watch: Watch | None,
    ) -> None:
        self._arm, self._device, self._models, self._loaders = arm, device, models, loaders
        self._progress, self._reports, self._once, self._port = progress, reports, once, port
        self._within = self._counted = False
        self._watch = watch
        self.stopped = False
        """Whether the run was told to stop."""

    @contextmanager
    def step(self, batch: Any, samples: Tensor | None) -> Iterator[int]:
        """See ``Run.step``."""
        if self._within:
            raise UserError("run.step within a run.step; end the first block before the next batch begins")
        if self._port.stop():
            self.stopped = True
            raise StoppedError
        progress, models = self._progress, self._models
        models.begin()
        self._move()
        ids = self._ids(batch, samples)
        with ExitStack() as stack:
            if self._watch is not None:
                self._watch.begin(models)
                stack.enter_context(self._watch.step(progress.step))
            for block in models.keyed(progress.step, ids):
                stack.enter_context(block)
            self._within = True
            stack.callback(self._ended)
            yield progress.step
        progress.step += 1
        self._reports.stepped()
        if not self._counted:
            self._counted = True
            missing = models.calls_missing()
            if missing:
                self._port.notice(Notice("never_called", self._arm.name, {"sites": ", ".join(missing)}))
            left = self._models.as_written()
            if left:
                sites = ", ".join(f"{site} {rate:g}" for site, rate in left.items())
                self._port.notice(Notice("left_as_written", self._arm.name, {"sites": sites}))

    def each(self, batches: Iterable[Any]) -> Iterator[Any]:
        """See ``Run.steps``."""
        for batch in batches:
            number = self._progress.step
            try:
                with self.step(batch, None):
                    yield batch
            finally:
                # the loop was left in the middle; no mask has a second use
                self._progress.step = max(self._progress.step, number + 1)

    def _ended(self) -> None:
        self._within = False

    def _move(self) -> None:
        moving = self._models.moving if self._models.moves else []
        if not moving:
            return
        if self._progress.epochs is None:
            raise UserError(
                f"the schedule of the arm {self._arm.name!r} moves p over the training, whose length only "
                "run.epochs(…) tells; write the loop with it"
            )
        place = self._progress.place()
        for one in moving:
            one.before_step(*place)

    def _ids(self, batch: Any, samples: Tensor | None) -> Tensor | None:
        ids = samples
        if ids is None:
            desk = self._loaders.desk
            ids = desk.now() if batch is None else desk.of(batch)
        if ids is None:
            self._reports.count(None)
            self._once.tell("keyed_by_place")
            return None
        self._reports.count(len(ids))
        return ids.to(self._device, non_blocking=True) if isinstance(ids, Tensor) else ids

    def penalty(self, samples: int | None) -> Tensor | float:
        """See ``Run.penalty``."""
        self._models.begin()
        extra = self._models.penalty()
        if extra is None:
            return 0.0
        first = self._loaders.first
        if samples is None and first is None:
            raise UserError(
                f"the arm {self._arm.name!r} has penalties, which are divided by the number of training samples; give "
                "it: run.penalty(samples=len(train_set))"
            )
        count = len(first.dataset) if samples is None else samples  # type: ignore[union-attr,arg-type]  # it has one
        return extra * (1.0 / count)

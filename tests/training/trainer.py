"""The house's own loop, epoch by epoch, as tests of single epochs want it: without a ledger and without files."""

from __future__ import annotations

from droplab.errors import DivergedError
from droplab.execution.house_store import HouseStore
from droplab.records import Measurement
from droplab.spec.rivals import recipe_of
from droplab.training.loop import Training
from droplab.training.port import Loaded
from droplab.training.run import Run
from droplab.training.terms import Terms
from droplab.training.watching import located


class _Port:
    """Has the last epoch; and the checkpoint that is to be read."""

    stop = staticmethod(lambda: False)
    measurement: Measurement | None = None
    state: dict | None = None

    def epoch(self, measurement):
        self.measurement = measurement

    def planned(self, _epochs):
        return ""

    def notice(self, _notice):
        """Nobody reads it."""

    def check(self, state):
        """It can be kept."""

    def save(self, _epochs_done, state, *, keep):  # see Store
        self.state = state

    def latest(self, _at_most=None):
        return None if self.state is None else Loaded(0, self.state)


class Trainer(Training):
    """One run; ``epoch`` gives what the ledger would get."""

    def __init__(self, spec, arm, seed, data, precision):
        self.port = _Port()
        run = Run(arm, seed, Terms(data.task.measures, 0, str(data.device)), self.port, 0, self.port)
        super().__init__(run, spec, recipe_of(spec, arm), data, precision)
        self.spec = spec
        (self.moving,) = run._models.moving or (None,)
        next(self.epochs())

    def epoch(self, epoch) -> Measurement:
        run = self.run
        progress = run._progress
        progress.step = epoch * self.steps_per_epoch
        progress.begin(epoch)
        run._reports.open()
        super().epoch(epoch)
        run.report(**self.validate())
        run._reports.commit()
        return self.port.measurement

    def step(self, inputs, targets, step=0, inspector=None, samples=None):
        return super().step(inputs, targets, step)

    def state(self):
        self.port.state = None
        HouseStore(self.port, {}, "").save(0, self.run._epochs._state(), keep=2)
        return self.port.state

    def load_state(self, state):
        self.port.state = state
        self.run._epochs._restore(HouseStore(self.port, {}, "").latest())


def locate(trainer: Trainer, epoch, seen: DivergedError) -> DivergedError:
    """What a replay of an epoch by another run finds."""

    def again(watch, _nobody):
        trainer.run._steps._watch = watch
        trainer.epoch(epoch)

    return located(seen, again, lambda: False, epoch)

"""The door: one arm with one seed, as any training loop sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from droplab.errors import UserError, quote
from droplab.records import Measure, Measurement, Notice
from droplab.schedules import for_sites
from droplab.spec.experiment import ArmSpec
from droplab.training.figures import Figures
from droplab.training.keeping import check_plain, give_back, sorted_out, state_of
from droplab.training.loader import Desk, RunLoader
from droplab.training.models import MAIN, Make, Models
from droplab.training.port import Loaded, Port, StoppedError, Store
from droplab.training.seeding import generators_state, restore_generators


@dataclass(frozen=True)
class Terms:
    """What is the same for all runs of an experiment."""

    measures: tuple[Measure, ...]
    epochs: int
    """0 where the loop says how many."""
    device: str


class Run:
    """One arm with one seed. ``droplab.compare`` makes one for each training and hands it to your loop.

    ::

        def train(run: droplab.Run) -> None:
            model = run.prepare(MyNet)
            optimizer = torch.optim.AdamW(model.parameters())
            loader = run.loader(train_set, batch_size=64)
            for epoch in run.epochs(20, model=model, optimizer=optimizer):
                for x, y in loader:
                    with run.step():
                        loss = my_loss(model(x), y) + run.penalty()
                        optimizer.zero_grad(); loss.backward(); optimizer.step()
                run.report(train_loss=..., val_loss=..., val_f1=...)

    Attributes:
        arm: the arm: its ``name``, ``p``, ``kind`` and ``schedule``.
        seed: the run's seed.
        device: where models are put, and where batches should go.
        stopped: whether the run was told to stop; its loop has met a ``StoppedError``.
    """

    def __init__(self, arm: ArmSpec, seed: int, terms: Terms, store: Store, epochs_in_ledger: int, port: Port) -> None:
        self.arm, self.seed = arm, seed
        self.device = torch.device(terms.device)
        self.stopped = False
        self._terms, self._store, self._port = terms, store, port
        self._in_ledger = epochs_in_ledger
        self._models = Models(arm, seed, self.device)
        self._desk = Desk()
        self._loaders: list[RunLoader] = []
        self._training_loaders = 0
        self._first_batches: list[str] = []
        self._kept: dict[str, Any] = {}
        self._figures: Figures | None = None
        self._began = self._until = time.perf_counter()
        self._samples: int | None = 0
        self._told: set[str] = set()
        self._in_step = False
        self._ready = False
        self._step = 0
        self._epoch = 0
        self._epoch_began_at = 0
        self._epochs: int | None = None
        self._per_epoch: int | None = None
        self._moves = any(inner.name != "constant" for _, inner in for_sites(arm.schedule))

    # models and data ----------------------------------------------------------------------------

    def prepare(self, make: Make, name: str = MAIN) -> Any:
        """The model to train: its weights are drawn under the run's seed, then it gets the arm's dropout.

        All arms of a seed begin with the same weights.

        Args:
            make: a function or class that builds the model, called without arguments; or a module, of which every run
                gets a copy (all seeds then begin with the same weights, which the verdict says).
            name: of the model, where a run has several. Sites of all but ``"model"`` begin with it
                (``generator.drop1``), also in the arms' patterns; and each is keyed by itself.

        Returns:
            The module, on ``run.device``.

        Raises:
            UserError: a name that is taken; a run that has begun to train.
            ModelError: the model cannot be built.
        """
        if self._ready:
            raise UserError("run.prepare comes before run.epochs and the first run.step; prepare all models first")
        return self._models.prepare(make, name)

    def loader(
        self,
        dataset: Any,
        *,
        batch_size: int,
        shuffle: bool = True,
        drop_last: bool = False,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        num_workers: int = 0,
        **options: Any,
    ) -> RunLoader:
        """A ``DataLoader`` that gives every arm of a seed the same batches, in another order in every epoch.

        Args:
            dataset: with ``len()`` and ``[index]``; or an ``IterableDataset``, whose order is its own affair.
            batch_size: samples per batch.
            shuffle: draw the order; ``False`` for validation.
            drop_last: leave out a last batch that is smaller.
            collate_fn: as the ``DataLoader``'s.
            num_workers: as the ``DataLoader``'s.
            options: others of the ``DataLoader``'s.

        Raises:
            UserError: no data set, or options that would make the order another one.
        """
        shuffled = shuffle and not isinstance(dataset, torch.utils.data.IterableDataset)
        number = self._training_loaders if shuffled else None
        found = RunLoader(
            dataset,
            desk=self._desk,
            clock=self._clock,
            seed=self.seed,
            number=number,
            begun=self._first_batches.append,
            options={
                "batch_size": batch_size,
                "drop_last": drop_last,
                "collate_fn": collate_fn,
                "num_workers": num_workers,
                **options,
            },
        )
        if shuffled:
            self._training_loaders += 1
            if not self._loaders and self._epochs is not None and self._per_epoch is None:
                self._per_epoch = len(found)
            if not (self._ready and self._loaders):
                self._loaders.append(found)
        return found

    def _clock(self) -> int | None:
        return None if self._epochs is None else self._epoch

    # epochs and steps ---------------------------------------------------------------------------

    def epochs(self, count: int | None = None, /, *, steps_per_epoch: int | None = None, **keep: Any) -> Iterator[int]:
        """The epochs that are not done yet, counted from 0. After each, its report is committed and all is kept.

        A run that was interrupted continues with the epoch after the last one that was kept, with everything as it
        was: models, what ``keep`` names, all global generators, what schedules remember.

        Args:
            count: epochs in all; the experiment's own (``compare(epochs=…)``) where absent.
            steps_per_epoch: ``run.step`` blocks in an epoch, for schedules within the first one; where absent, the
                batches of the first ``run.loader``. From the second epoch on, the steps of the first one count.
            keep: optimisers, learning-rate schedules, gradient scalers, averaged models, generators: anything with a
                ``state_dict`` and ``load_state_dict``. Plain values are kept too: they are in ``run.kept``.

        Raises:
            UserError: no number of epochs, or another one than the experiment's; something that cannot be kept; an
                epoch without a report.
        """
        total = self._agree(count)
        stateful, plain = sorted_out(keep)
        models = {id(prepared.model) for prepared in self._models.by_name.values()}
        stateful = {name: value for name, value in stateful.items() if id(value) not in models}
        self._kept = {**plain, **self._kept}
        self._begin()
        self._epochs = total
        if steps_per_epoch is not None:
            self._per_epoch = steps_per_epoch
        elif self._loaders:
            self._per_epoch = len(self._loaders[0])
        found = self._store.latest(self._in_ledger)
        if found is None:
            self._store.check(self._state(stateful))
        else:
            self._restore(found, stateful)
        loaders = self._training_loaders
        done = found.epochs_done if found else 0
        self._epoch = done - 1
        for epoch in range(done, total):
            self._models.restore_modes()
            self._training_loaders = loaders
            self._open(epoch)
            yield epoch
            self._close(stateful, first=epoch == 0, steps_given=steps_per_epoch is not None)

    def _agree(self, count: int | None) -> int:
        if self._epochs is not None:
            raise UserError("run.epochs was called twice; one loop over its epochs is a run")
        if count is None and not self._terms.epochs:
            raise UserError("run.epochs got no number; give one, run.epochs(20, …), or droplab.compare(…, epochs=20)")
        total = self._terms.epochs if count is None else count
        if isinstance(total, bool) or not isinstance(total, int) or total < 1:
            raise UserError(f"run.epochs got {quote(count)}; a number of epochs, at least 1, is wanted")
        problem = self._port.planned(total)
        if problem:
            raise UserError(problem)
        return total

    def _begin(self) -> None:
        """Once, before the first step."""
        if not self._models.by_name:
            raise UserError(
                "no model was prepared; the arm's dropout and the seed's weights come with run.prepare(MyNet)"
            )
        self._models.ready()
        self._ready = True

    def _open(self, epoch: int) -> None:
        self._epoch, self._epoch_began_at = epoch, self._step
        self._figures = Figures(self._terms.measures, epoch)
        self._began = self._until = time.perf_counter()
        self._samples = 0

    def _close(self, stateful: Mapping[str, Any], *, first: bool, steps_given: bool) -> None:
        self._commit()
        if first and not steps_given and self._step > self._epoch_began_at:
            self._per_epoch = self._step - self._epoch_began_at
        done = self._epoch + 1
        self._store.save(done, self._state(stateful), keep=1 if done == self._epochs else 2)
        if first:
            again = self._store.latest(done)
            assert again is not None
            self._restore(again, stateful)

    def _commit(self) -> None:
        """Tell the ledger what the epoch has reported."""
        assert self._figures is not None
        if not self._figures and self._epoch == 0:
            raise UserError(
                "the loop ended its first epoch without a report; call run.report("
                f"{', '.join(f'val_{measure.name}=…' for measure in self._terms.measures)}) once an epoch"
            )
        figures = self._figures.whole(self._step - 1) | self._models.rates()
        figures |= self._models.after_epoch(figures)
        seconds = self._until - self._began
        if seconds > 0:
            figures["seconds"] = seconds
            if self._samples:
                figures["images_per_second"] = self._samples / seconds
        weights = self._models.initial_weights if "weights" not in self._told else ""
        batches = " ".join(self._first_batches)
        self._first_batches.clear()
        self._told.add("weights")
        self._port.epoch(Measurement(self._epoch, figures, initial_weights=weights, first_batches=batches))
        self._figures = None

    def _state(self, stateful: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "models": {name: prepared.state() for name, prepared in self._models.by_name.items()},
            "keep": {name: state_of(value) for name, value in stateful.items()},
            "values": dict(self._kept),
            "generators": generators_state(),
            "step": self._step,
            "steps_per_epoch": self._per_epoch,
        }

    def _restore(self, found: Loaded, stateful: Mapping[str, Any]) -> None:
        state = found.state
        for what, there, here in (
            ("models", state["models"], self._models.by_name),
            ("run.epochs", state["keep"], stateful),
        ):
            if there.keys() != here.keys():
                raise UserError(
                    f"the checkpoint of epoch {found.epochs_done} has {', '.join(there) or 'nothing'} for {what}, and "
                    f"the loop has {', '.join(here) or 'nothing'} now; bring the old loop back, or start anew with "
                    "fresh=True"
                )
        for name, prepared in self._models.by_name.items():
            prepared.load_state(state["models"][name])
        for name, value in stateful.items():
            give_back(name, value, state["keep"][name])
        self._kept = dict(state["values"])
        restore_generators(state["generators"])
        self._step, self._per_epoch = state["step"], state["steps_per_epoch"]

    @contextmanager
    def step(self, batch: Any = None, *, samples: Tensor | None = None) -> Iterator[int]:
        """Around forward and backward pass of one batch: moves ``p``, names the masks, hears of a stop.

        A mask is named by seed, step, layer and sample. Which samples the batch holds is known where it comes from
        ``run.loader``; otherwise the masks are named by the place in the batch, which is said once.

        Args:
            batch: the batch, where several are in hand or the loop fetches ahead: what a ``run.loader`` gave, or a
                part of it.
            samples: ``(N,)``, whole numbers: the number of each sample in its data set.

        Yields:
            The step's number, counted from 0.
        """
        if self._in_step:
            raise UserError("run.step within a run.step; end the first block before the next batch begins")
        if self._port.stop():
            self.stopped = True
            raise StoppedError
        if not self._ready:
            self._begin()
        self._move()
        ids = self._ids(batch, samples)
        with ExitStack() as stack:
            for block in self._models.keyed(self._step, ids):
                stack.enter_context(block)
            self._in_step = True
            stack.callback(self._step_ended)
            yield self._step
        self._step += 1
        self._until = time.perf_counter()

    def steps(self, batches: Iterable[Any]) -> Iterator[Any]:
        """The batches, each within a ``run.step`` of its own, for loops that are not to be indented.

        ::

            for x, y in run.steps(loader):
                ...
        """
        for batch in batches:
            number = self._step
            try:
                with self.step(batch):
                    yield batch
            finally:
                self._step = max(self._step, number + 1)  # the loop was left in the middle; no mask has a second use

    def _step_ended(self) -> None:
        self._in_step = False

    def _move(self) -> None:
        moving = self._models.moving if self._moves else []
        if not moving:
            return
        if self._epochs is None:
            raise UserError(
                f"the schedule of the arm {self.arm.name!r} moves p over the training, whose length only "
                "run.epochs(…) tells; write the loop with it"
            )
        each, local = self._per_epoch, self._step - self._epoch_began_at
        place = (self._epoch, self._epochs)
        if each:
            place = (self._epoch * each + min(local, each - 1), each * self._epochs)
        for one in moving:
            one.before_step(*place)

    def _ids(self, batch: Any, samples: Tensor | None) -> Tensor | None:
        ids = samples
        if ids is None:
            ids = self._desk.now() if batch is None else self._desk.of(batch)
        if ids is None:
            self._samples = None
            self._tell("keyed_by_place")
            return None
        if self._samples is not None:
            self._samples += len(ids)
        return ids.to(self.device, non_blocking=True) if isinstance(ids, Tensor) else ids

    def _tell(self, code: str) -> bool:
        """A notice, once; whether it is new."""
        new = code not in self._told
        if new:
            self._told.add(code)
            self._port.notice(Notice(code))
        return new

    def penalty(self, samples: int | None = None) -> Tensor | float:
        """What the arm's layers add to the mean loss; 0 where they add nothing.

        Args:
            samples: training samples, by which penalties are divided; where absent, those of the first ``run.loader``.

        Raises:
            UserError: there is no such loader.
        """
        if not self._ready:
            self._begin()
        extra = self._models.penalty()
        if extra is None:
            return 0.0
        if samples is None and not self._loaders:
            raise UserError(
                f"the arm {self.arm.name!r} has penalties, which are divided by the number of training samples; give "
                "it: run.penalty(samples=len(train_set))"
            )
        count = len(self._loaders[0].dataset) if samples is None else samples  # type: ignore[arg-type]  # it has one
        return extra * (1.0 / count)

    # figures and values -------------------------------------------------------------------------

    def report(self, **figures: Any) -> None:
        """Report measures of the epoch: ``train_NAME``, ``fit_NAME``, ``val_NAME``; ``NAME`` alone is ``val_NAME``.

        ``train_`` is as trained, ``fit_`` in eval mode on training samples, ``val_`` on validation samples. Every
        epoch reports every measure's ``val_``, in one call or in several. A loop without ``run.epochs`` makes an epoch
        of every call.

        Raises:
            UserError: an unknown name, a value that is no number, or nothing left to report for.
            DivergedError: the primary measure is no longer finite.
        """
        if self._figures is not None:
            self._figures.add(figures)
            return
        if self._epochs is not None:
            raise UserError("run.report came after the last epoch; report inside of `for epoch in run.epochs(…)`")
        self._report_alone(figures)

    def _report_alone(self, figures: Mapping[str, Any]) -> None:
        """An epoch of a loop without ``run.epochs``."""
        if not self._ready:
            self._begin()
        if not self._tell("starts_again"):
            self._epoch += 1
        elif self._in_ledger:
            self._port.restart()
        self._figures = Figures(self._terms.measures, self._epoch)
        self._figures.add(figures)
        self._commit()
        self._began = self._until = time.perf_counter()
        self._samples = 0

    def keep(self, **values: Any) -> None:
        """Keep plain values over an interruption, with the next checkpoint; read them from ``run.kept``.

        Raises:
            UserError: a value that is not plain.
        """
        check_plain(values)
        self._kept.update(values)

    @property
    def kept(self) -> Mapping[str, Any]:
        """Plain values that were given to ``run.keep`` or ``run.epochs``, as they are now."""
        return MappingProxyType(self._kept)

    def finish(self) -> None:
        """After the loop has returned.

        Raises:
            UserError: it has not reported anything, or no whole epoch.
        """
        wanted = (
            f"call run.report({', '.join(f'val_{measure.name}=…' for measure in self._terms.measures)}) once an epoch"
        )
        if self._epochs is None:
            if "starts_again" not in self._told:
                raise UserError(f"the loop returned and never reported anything; {wanted}")
            self._port.counted(self._epoch + 1)
            return
        if self._figures:
            self._commit()
        done = self._epoch + 1 if self._figures is None else self._epoch
        if not done:
            raise UserError(f"the loop returned before its first epoch was whole; {wanted}")
        if done < self._epochs:
            self._port.notice(
                Notice("ended_early", self.arm.name, {"seed": self.seed, "done": done, "epochs": self._epochs})
            )


Loop = Callable[[Run], Any]
"""A training loop: called once for each arm and seed."""

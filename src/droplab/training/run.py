"""The door: one arm with one seed, as any training loop sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from droplab.errors import UserError
from droplab.records import Notice, RunKey
from droplab.spec.arm import ArmSpec
from droplab.training.drawing import Drawn, drawn
from droplab.training.epochs import Epochs
from droplab.training.evaluating import Evaluate
from droplab.training.figures import Attached, check_named
from droplab.training.labels import Labels
from droplab.training.loader import RunLoader
from droplab.training.loaders import Loaders
from droplab.training.making import Make
from droplab.training.models import Models
from droplab.training.once import Once
from droplab.training.port import Port, Store
from droplab.training.prepared import MAIN
from droplab.training.progress import Progress
from droplab.training.ranks import ALONE, Ranks
from droplab.training.reports import Reports
from droplab.training.settings import Settings
from droplab.training.steps import Steps
from droplab.training.terms import Terms
from droplab.training.watching import Watch


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
        arm: the arm: its ``name``, ``p``, ``kind``, ``schedule`` and ``recipe``.
        seed: the run's seed.
        settings: what the arm changes beside its dropout, its ``recipe``; empty for most arms. Read each as
            ``run.settings.get("weight_decay", 0.0)``; one that an arm gives and the loop does not read is an error.
        measures: the experiment's; the first is decided on.
        device: where models are put, and where batches should go.
    """

    def __init__(
        self,
        arm: ArmSpec,
        seed: int,
        terms: Terms,
        store: Store,
        epochs_in_ledger: int,
        port: Port,
        watch: Watch | None = None,
        load_only: bool = False,
        ranks: Ranks = ALONE,
        labels: Labels | None = None,
    ) -> None:
        self.arm, self.seed, self.measures = arm, seed, terms.measures
        self.settings = Settings(arm)
        self.device = torch.device(terms.device)
        self._labels = labels
        self._progress = progress = Progress()
        self._resample, self._once = terms.resample, Once(port)
        once = self._once
        self._models = Models(arm, seed, self.device, ranks)
        self._loaders = Loaders(seed, progress, once, ranks)
        self._reports = Reports(terms, self._models, self._loaders, progress, once, port, ranks)
        self._steps = Steps(arm, self.device, self._models, self._loaders, progress, self._reports, once, port, watch)
        self._epochs = Epochs(
            RunKey(arm.name, seed),
            terms,
            store,
            epochs_in_ledger,
            self._models,
            self._loaders,
            progress,
            self._reports,
            port,
            load_only,
        )

    @property
    def stopped(self) -> bool:
        """Whether the run was told to stop; its loop has met a ``StoppedError``."""
        return self._steps.stopped

    @property
    def epoch(self) -> int | None:
        """The epoch that is trained, from 0; ``None`` without ``run.epochs``."""
        return self._progress.counted

    def rates(self) -> dict[str, float]:
        """``p/SITE`` of all models, as they are now."""
        return self._models.rates()

    def models(self, figures: Mapping[str, float]) -> dict[str, nn.Module]:
        """All models, in eval mode, with the rates that an epoch ended with, ``p/SITE`` among its figures."""
        for moving in self._models.moving:
            moving.put(figures)
        return {name: prepared.model.eval() for name, prepared in self._models.by_name.items()}

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
        if self._models.begun:
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
        return self._loaders.make(
            dataset,
            shuffle,
            {
                "batch_size": batch_size,
                "drop_last": drop_last,
                "collate_fn": collate_fn,
                "num_workers": num_workers,
                **options,
            },
        )

    def split(
        self,
        count: int,
        size: float = 0.1,
        *,
        strata: Any = None,
        groups: Any = None,
        times: Any = None,
    ) -> Drawn:
        """Which samples train and which validate: the same for all seeds, or each seed's own under ``resample``.

        ::

            train, validation = run.split(len(dataset), 0.2, strata=labels)
            loader = run.loader(Subset(dataset, train), batch_size=64)

        ``compare(…, resample=True)`` gives every seed a split of its own, ``resample="5-fold"`` the fold s mod 5 of
        repeat s // 5, whatever ``size`` is. All arms of a seed have one. Take the test samples away before.

        Args:
            count: how many samples there are.
            size: of the validation part: a count, or a fraction between 0 and 1.
            strata: ``(count,)`` classes, each of which gives its share.
            groups: ``(count,)``; no group is on both sides.
            times: ``(count,)``; the latest validate, or each fold on what follows its training samples.

        Returns:
            Indices ``train`` and ``validation``, ascending.

        Raises:
            UserError: no number of samples.
            DataError: a size that leaves one side empty, or no split that this seed could have.
        """
        by = {"strata": strata, "groups": groups, "times": times}
        return drawn(self._resample, self.seed, count, size, by, self._once)

    # epochs and steps ---------------------------------------------------------------------------

    def epochs(
        self,
        count: int | None = None,
        /,
        *,
        unit: str = "",
        steps_per_epoch: int | None = None,
        evaluate: Evaluate | None = None,
        checkpoints: bool = True,
        **keep: Any,
    ) -> Iterator[int]:
        """The epochs that are not done yet, counted from 0. After each, its report is committed and all is kept.

        A run that was interrupted continues with the epoch after the last one that was kept, with everything as it
        was: models, what ``keep`` names, all global generators, what schedules remember.

        Args:
            count: epochs in all; the experiment's own (``compare(epochs=…)``) where absent.
            unit: ``"500 steps"`` makes an epoch of so many ``run.step`` blocks, part of a pass or several: a
                ``run.loader`` then gives batches until the epoch has had its steps, and goes on there in the next. An
                interrupted run skips what it had by index; an ``IterableDataset`` is read forward, which is said.
                Loaders with ``shuffle=False`` give whole passes, as always.
            steps_per_epoch: ``run.step`` blocks in an epoch, for schedules within the first one; where absent, the
                batches of the first ``run.loader``. From the second epoch on, the steps of the first one count.
            evaluate: called without arguments after every epoch; the figures that it returns are reported. It is also
                called once after a checkpoint was loaded, and where the first measure is not what it was, that is
                said: something of the run was not kept.
            checkpoints: ``False`` writes none: an interrupted run starts again from zero.
            keep: optimisers, learning-rate schedules, gradient scalers, averaged models, generators: anything with a
                ``state_dict`` and ``load_state_dict``. Plain values are kept too: they are in ``run.kept``.

        Raises:
            UserError: no number of epochs, or another one than the experiment's; something that cannot be kept; an
                epoch without a report.
        """
        return self._epochs.those_left(count, unit, steps_per_epoch, evaluate, checkpoints, keep)

    def step(self, batch: Any = None, *, samples: Tensor | None = None) -> AbstractContextManager[int]:
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
        if self._labels is not None:
            self._labels.step()
        return self._steps.step(batch, samples)

    def steps(self, batches: Iterable[Any]) -> Iterator[Any]:
        """The batches, each within a ``run.step`` of its own, for loops that are not to be indented.

        ::

            for x, y in run.steps(loader):
                ...
        """
        if self._labels is not None:
            self._labels.step()
        return self._steps.each(batches)

    def penalty(self, samples: int | None = None) -> Tensor | float:
        """What the arm's layers add to the mean loss; 0 where they add nothing.

        Args:
            samples: training samples, by which penalties are divided; where absent, those of the first ``run.loader``.

        Raises:
            UserError: there is no such loader.
        """
        return self._steps.penalty(samples)

    # figures and values -------------------------------------------------------------------------

    def report(self, *unnamed: Any, **figures: Any) -> None:
        """Report measures of the epoch: ``train_NAME``, ``fit_NAME``, ``val_NAME``; ``NAME`` alone is ``val_NAME``.

        ``train_`` is as trained, ``fit_`` in eval mode on training samples, ``val_`` on validation samples. Every
        epoch reports every measure's ``val_``, in one call or in several. A loop without ``run.epochs`` makes an epoch
        of every call.

        Raises:
            UserError: an unknown name, a value that is no number, nothing left to report for, or a setting of the arm
                that was not read.
            DivergedError: the primary measure is no longer finite.
        """
        check_named("report", unnamed)
        self.settings.check()
        if self._labels is not None:
            self._labels.look()
        self._reports.report(figures, in_ledger=self._epochs.in_ledger)

    def report_samples(self, *unnamed: Any, ids: Any = None, **figures: Any) -> None:
        """Report measures of single validation samples: their mean, and their sums on folds of the validation set.

        With folds, an arm is judged at the epoch that early stopping would choose, on samples that did not choose it.
        Call it any number of times in an epoch, batch by batch; all epochs report the same samples. A figure that is
        reported so is not reported with ``run.report`` too. ``droplab.compare(…, keep_samples=20)`` keeps the values
        themselves, for the last epoch and the best one.

        Args:
            unnamed: nothing; every figure has its measure's name.
            ids: ``(N,)``, whole numbers or texts, the number or name of each sample in the validation set; its fold is
                a hash of it (``droplab.folds``). Where absent, those of the batch in hand of a
                ``run.loader(…, shuffle=False)``.
            figures: by measure, ``NAME`` or ``val_NAME``, ``(N,)`` numbers.

        Raises:
            UserError: an unknown measure; ids or values that are none, not as many, or of a sample that came already;
                a loop without ``run.epochs``.
        """
        check_named("report_samples", unnamed)
        self.settings.check()
        self._reports.report_samples(figures, ids)

    def report_folds(self, outputs: Any, targets: Any, /, *, ids: Any = None, **functions: Any) -> None:
        """Report measures that are no means over samples (F1, mIoU, R², AUROC), on all samples and on folds of them.

        They are judged as ``report_samples`` says: at the epoch that is best on the samples of the other folds. Call it
        any number of times in an epoch, batch by batch; when the epoch ends, each function is called with all outputs
        and all targets, in the order of the ids, and with those of each fold and of the others, at most 11 times.

        ::

            def f1(outputs, targets):
                return sklearn.metrics.f1_score(targets, outputs)

            run.report_folds(model(x).argmax(1), y, ids=ids, val_f1=f1)

        Args:
            outputs: ``(N, …)``, what the function gets first: a tensor or an array, or a table or tuple of such. What
                is smaller (classes in the place of logits) is kept and measured faster.
            targets: likewise, what it gets second.
            ids: as in ``report_samples``.
            functions: by measure, ``NAME`` or ``val_NAME``, each a function of outputs and targets that gives a number.

        Raises:
            UserError: an unknown measure; ids, outputs or targets that are none, or not as many; a loop without
                ``run.epochs``. When the epoch ends: a sample that came twice, a function that raises or gives no
                number. Where it has no value on a fold only (an AUROC of one class), that is said once.
        """
        self.settings.check()
        self._reports.report_folds(functions, outputs, targets, ids)

    def log(self, figures: Mapping[str, Any] | None = None, /, **named: Any) -> None:
        """Keep figures of the epoch that are no measures: a learning rate, a norm, what a loss is made of.

        They are in the ledger, on the page and in sinks with the measures, and no question is asked of them. A later
        value takes the place of one before, so that a figure may be logged at every step.

        Args:
            figures: by name, for names that are no words of Python's: ``{"norm/fc1": 0.5}``.
            named: others.

        Raises:
            UserError: a name that is a measure's or droplab's own, or a value that is no number.
        """
        self._reports.log({**(figures or {}), **named})

    def label(self, logger: Any) -> None:
        """Give a logger that the loop has opened itself the run's group, arm and seed; the verdict follows at the end.

        What is open of W&B and MLflow is found without it.

        Args:
            logger: a run of W&B or MLflow, a ``SummaryWriter``, or a logger of Lightning's.
        """
        if self._labels is not None:
            self._labels.give(logger)

    def keep(self, **values: Any) -> None:
        """Keep plain values over an interruption, with the next checkpoint; read them from ``run.kept``.

        Raises:
            UserError: a value that is not plain.
        """
        self._epochs.keep(values)

    @property
    def kept(self) -> Mapping[str, Any]:
        """Plain values that were given to ``run.keep`` or ``run.epochs``, as they are now."""
        return self._epochs.kept

    def finish(self) -> None:
        """After the loop has returned.

        Raises:
            UserError: it has not reported anything, or no whole epoch.
        """
        if self._reports.finish(self.arm.name, self.seed):
            self._epochs.keep_last()


Loop = Callable[[Run], Any]
"""A training loop: called once for each arm and seed."""


def adopt(run: Run, model: nn.Module) -> nn.Module:
    """In the place of ``run.prepare``: a model whose weights were drawn under the run's seed, and then the arm's."""
    return run._models.adopt(model)  # noqa: SLF001  # for the house's own loop, whose draws are as old ledgers have them


def attached(run: Run) -> Attached:
    """Beside ``run.report``: sums on folds, histograms and predictions of the epoch, to be filled."""
    return run._reports.attached  # noqa: SLF001  # as above


def tell(run: Run, notice: Notice) -> None:
    """Something of the run's data that the reader of the results should know."""
    run._once.tell(notice.code, notice.detail)  # noqa: SLF001  # as above

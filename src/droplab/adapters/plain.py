"""A run outside of droplab: the same door, behind which nothing is changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from droplab.adapters.share import share_of
from droplab.errors import UserError
from droplab.execution.calibrate import choose_device
from droplab.nn import penalty
from droplab.records import Measure
from droplab.spec.arm import ArmSpec
from droplab.surgery import rates
from droplab.training.drawing import Drawn, drawn
from droplab.training.keeping import check_plain, sorted_out
from droplab.training.once import Once
from droplab.training.progress import Progress, read_unit
from droplab.training.settings import Settings
from droplab.training.watching import Nobody


@final
class _Loader(DataLoader[Any]):
    """Ends where an epoch that is so many steps ends, and goes on there; otherwise a ``DataLoader`` like any."""

    def __init__(self, dataset: Any, progress: Progress, trains: bool, **options: Any) -> None:
        super().__init__(dataset, **options)
        self._progress, self._trains = progress, trains
        self._rest: Iterator[Any] = iter(())

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]  # a generator
        if not self._trains or self._progress.unit is None:
            yield from super().__iter__()
            return
        while not self._progress.over:
            given = False
            for batch in self._rest:
                given = True
                yield batch
                if self._progress.over:
                    return
            self._rest = super().__iter__()
            if not given and not len(self):
                raise UserError("run.loader has no batch to give; see that its data set is not empty")


@final
class PlainRun:
    """What ``droplab.run()`` is where nobody launched the script; see ``droplab.Run`` for its methods."""

    def __init__(self) -> None:
        self.arm = ArmSpec(name="as written", p={})
        self.settings = Settings(self.arm)
        self.seed = 0
        self.measures: tuple[Measure, ...] = ()
        self.device = choose_device("auto")
        self.stopped = False
        self.reports: list[dict[str, float]] = []
        """By epoch, what was reported."""
        self._progress = Progress()
        self._models: list[nn.Module] = []
        self._samples: int | None = None
        self._kept: dict[str, Any] = {}
        self._open: dict[str, float] = {}
        self._sums: dict[str, tuple[float, int]] = {}

    @property
    def epoch(self) -> int | None:
        """See ``Run.epoch``."""
        return self._progress.counted

    def prepare(self, make: Any, name: str = "model") -> Any:
        """The model, as it is."""
        model = make if isinstance(make, nn.Module) else make()
        if not isinstance(model, nn.Module):
            raise UserError(
                f"run.prepare: {name} is a {type(model).__name__}; an nn.Module is wanted, or what makes one"
            )
        self._models.append(model)
        return model.to(self.device)

    def loader(self, dataset: Any, *, batch_size: int, shuffle: bool = True, **options: Any) -> DataLoader[Any]:
        """A ``DataLoader``; under ``torchrun`` each rank has its share of every batch."""
        stream = isinstance(dataset, IterableDataset)
        options = {**options, "batch_size": batch_size}
        if shuffle and not stream:
            if self._samples is None:
                self._samples = len(dataset)
            options |= share_of(dataset, options)
        return _Loader(dataset, self._progress, shuffle, **options)

    def split(
        self, count: int, size: float = 0.1, *, strata: Any = None, groups: Any = None, times: Any = None
    ) -> Drawn:
        """One split, that of an experiment whose seeds share it."""
        by = {"strata": strata, "groups": groups, "times": times}
        return drawn(False, self.seed, count, size, by, Once(Nobody(lambda: False)))

    def epochs(
        self,
        count: int | None = None,
        /,
        *,
        unit: str = "",
        steps_per_epoch: int | None = None,
        evaluate: Callable[[], Mapping[str, Any] | None] | None = None,
        checkpoints: bool = True,
        **keep: Any,
    ) -> Iterator[int]:
        """All epochs, counted from 0."""
        del steps_per_epoch, checkpoints
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise UserError("run.epochs got no number; outside of droplab the script says it: run.epochs(20, …)")
        if unit:
            self._progress.unit = read_unit(unit)
        _, plain = sorted_out(keep)
        self._kept = {**plain, **self._kept}
        self._progress.epochs = count
        modes = [(module, module.training) for model in self._models for module in model.modules()]
        for epoch in range(count):
            for module, training in modes:
                module.training = training
            self._progress.begin(epoch)
            yield epoch
            found = evaluate() if evaluate is not None else None
            if found is not None:
                self.report(**found)
            self._tell()

    @contextmanager
    def step(self, batch: Any = None, *, samples: Tensor | None = None) -> Iterator[int]:
        """The step's number; nothing else happens."""
        del batch, samples
        yield self._progress.step
        self._progress.step += 1

    def steps(self, batches: Iterable[Any]) -> Iterator[Any]:
        """The batches."""
        for batch in batches:
            with self.step():
                yield batch

    def penalty(self, samples: int | None = None) -> Tensor | float:
        """What layers of the model as it is add to the mean loss."""
        found = [term for term in map(penalty, self._models) if term is not None]
        count = samples or self._samples
        if found and count is None:
            raise UserError("penalties are divided by the number of training samples: run.penalty(samples=len(data))")
        return sum(found[1:], found[0]) / (count or 1) if found else 0.0

    def report(self, **figures: Any) -> None:
        """Keep and print them, with the others of the epoch."""
        self._open |= {name: float(value) for name, value in figures.items()}
        if self._progress.epochs is None:
            self._tell()

    def log(self, figures: Mapping[str, Any] | None = None, /, **named: Any) -> None:
        """Keep and print them with the measures of the epoch."""
        self._open |= {name: float(value) for name, value in {**(figures or {}), **named}.items()}

    def report_samples(self, *, ids: Any = None, **figures: Any) -> None:
        """Their mean is printed with the epoch's figures."""
        del ids
        for name, values in figures.items():
            numbers = torch.as_tensor(values, dtype=torch.float64)
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = total + float(numbers.sum()), count + numbers.numel()

    def _tell(self) -> None:
        figures = self._open | {name: total / count for name, (total, count) in self._sums.items() if count}
        self._open, self._sums = {}, {}
        if not figures:
            return
        self.reports.append(figures)
        if os.environ.get("RANK", "0") == "0":
            of = f"/{self._progress.epochs}" if self._progress.epochs else ""
            words = ", ".join(f"{name} {value:.6g}" for name, value in figures.items())
            print(f"epoch {len(self.reports)}{of}: {words}", flush=True)  # noqa: T201  # what it is for

    def rates(self) -> dict[str, float]:
        """``p/SITE`` of all models."""
        return {f"p/{site}": rate for model in self._models for site, rate in rates(model).items()}

    def label(self, logger: Any) -> None:
        """Nothing: there is no arm."""

    def keep(self, **values: Any) -> None:
        """Keep plain values while the script runs."""
        check_plain(values)
        self._kept |= values

    @property
    def kept(self) -> Mapping[str, Any]:
        """What was kept."""
        return MappingProxyType(self._kept)

    def finish(self) -> None:
        """Nothing is left to do."""

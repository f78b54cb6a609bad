"""Plain records that cross rooms. Nothing here imports torch.

Losses are mean cross-entropies in nats per sample; accuracies are fractions in [0, 1]; seconds are
wall-clock; epochs and steps count from 0 in code and in the ledger, and from 1 where a person reads them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

LOOKS = (3, 5, 8, 12, 16, 20)
"""Where seeds are trained until decided and no looks are named."""
ENDED_STATES = ("interrupted", "failed", "done")
ELSEWHERE = "recorded elsewhere"
"""A key of the spec of a record that no ledger gave: what became of its test set is not known."""
RUN_STATES = ("planned", "running", *ENDED_STATES)
"""What a run can be."""


@dataclass(frozen=True)
class Measure:
    """A figure that an experiment is asked about. ``measures.py`` reads and checks what users write.

    A loop reports it as ``train_NAME`` (as trained), ``fit_NAME`` (eval mode on training samples) and ``val_NAME``,
    or as ``NAME`` alone, which is then the value on validation samples.
    """

    name: str
    better: Literal["lower", "higher"]
    unit: Literal["nats", "share", ""] = ""
    """How it is read: a ``share`` in percent, and its differences in percentage points."""
    counted: bool = False
    """Whether it counts samples: its smallest step is 1 / samples of the part."""

    @property
    def sign(self) -> int:
        """+1 where higher is better, -1 where lower is."""
        return 1 if self.better == "higher" else -1


CLASSIFICATION = (Measure("loss", "lower", "nats"), Measure("accuracy", "higher", "share", counted=True))
"""What the house's loop measures. The first of an experiment's measures is its primary one."""


@dataclass(frozen=True)
class RunKey:
    """One training of one arm with one seed; names a run completely within its experiment."""

    arm: str
    seed: int

    def __str__(self) -> str:
        return f"{self.arm} · seed {self.seed}"


@dataclass(frozen=True)
class Histogram:
    """64 equal bins of a tensor's values over ``[low, high]``; ``kind`` is ``parameter`` or ``gradient``."""

    kind: str
    layer: str
    low: float
    high: float
    counts: tuple[int, ...]


class Predictions(NamedTuple):
    """What a run predicts for each validation sample, in the order of the validation set."""

    classes: tuple[int, ...]
    confidence: tuple[float, ...]
    """Probability given to the true class."""


class SampleValues(NamedTuple):
    """A figure of each validation sample."""

    ids: tuple[int, ...] | tuple[str, ...]
    values: tuple[float, ...]
    """As float32 in the ledger."""


@dataclass(frozen=True)
class Measurement:
    """What one epoch of one run measured.

    ``metrics`` maps names to numbers:

    =============================  ==========================================================
    ``train_loss/_accuracy``       as trained (dropout on, weights moving), sample-weighted
    ``fit_loss/_accuracy``         eval mode on a fixed training subset
    ``val_loss/_accuracy``         eval mode on the validation set
    ``gap``                        generalisation gap: ``val_loss - fit_loss``
    ``lr``                         learning rate at the epoch's last step
    ``p/SITE``                     drop rate of each site at the epoch's last step
    ``site_norm/SITE``             L2 norm of the weight that a site feeds, where a schedule reads it
    ``grad_norm/…, param_norm/…``  L2 norms per parameter, at the watch interval
    ``seconds``                    training time of the epoch, evaluation not counted
    ``images_per_second``          training samples over ``seconds``
    =============================  ==========================================================
    """

    epoch: int
    metrics: Mapping[str, float]
    histograms: tuple[Histogram, ...] = ()
    predictions: Predictions | None = None
    """For the validation set, at the last epoch."""
    initial_weights: str = ""
    """Digest of the run's weights before the arm was applied; with the first epoch of each session."""
    first_batches: str = ""
    """Digests of the first batch of each training loader of a loop of the user's own; with the first epoch."""
    folds: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    """By figure: its sum and count on each fold of the validation samples (``folds.py``)."""
    samples: Mapping[str, SampleValues] = field(default_factory=dict)
    """By figure: its value for each validation sample. The ledger has those of the last epoch and of the best one."""
    best: bool = False
    """Whether the primary measure is better than in all epochs before."""


@dataclass(frozen=True)
class Notice:
    """Something that was seen before or while an experiment ran, and that its reader should know.

    ``report/locales`` has a sentence for each code, filled from ``detail``.
    """

    code: str
    """What was seen: ``never_called``, ``drops_in_training``, ..."""
    arm: str = ""
    """The arm that it concerns; empty where it concerns all of them."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """Plain values, JSON-ready."""


@dataclass(frozen=True)
class ChangedImage:
    """A validation image on which an arm and the baseline differ; confidences are means over seeds."""

    index: int
    """Place in the validation set."""
    truth: str
    pixels: bytes
    """``(H, W, C)``, one byte each."""
    width: int
    height: int
    channels: int
    before: float
    """Mean probability that the baseline gives to the true class."""
    after: float
    said_before: tuple[str, ...]
    """The class that each seed of the baseline predicts."""
    said_after: tuple[str, ...]


@dataclass(frozen=True)
class ChangedImages:
    """For each arm but the baseline, the validation images that changed most; or why there are none."""

    arms: Mapping[str, tuple[ChangedImage, ...]]
    why_not: str = ""


@dataclass(frozen=True)
class RunRecord:
    """A run as the ledger holds it."""

    key: RunKey
    state: str
    epochs_done: int
    reason: str = ""
    metrics: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """One value per finished epoch, in order; NaN where an epoch did not measure the metric."""
    folds: Mapping[str, tuple[tuple[tuple[float, float], ...], ...]] = field(default_factory=dict)
    """By figure, per epoch: its sum and count on each fold of the validation samples."""
    retry: bool = False
    """Failed for a reason that need not come again, such as a lost machine: it is to be repeated, no outcome."""


ALSO_IN = "also in"
"""The kind of an event: the loop has a run of its own in a sink, at the place that the detail says."""


@dataclass(frozen=True)
class Event:
    """One line of the ledger's history."""

    time: str
    kind: str
    run: RunKey | None
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class SinkRun:
    """What a sink is told of a run."""

    id: str
    """16 hex digits from experiment id, arm and seed: the same on every machine, another with ``--fresh``."""
    key: RunKey
    experiment: str
    """The experiment's name."""
    experiment_id: str
    config: Mapping[str, Any]
    """The spec as this run's arm has it: with the arm, its recipe and the seed; JSON-ready."""
    epochs: int
    measures: tuple[Measure, ...] = CLASSIFICATION


@dataclass(frozen=True)
class Conclusion:
    """What an experiment has shown, for the places where its runs are looked at; JSON-ready."""

    advice: str
    """The decision, in a sentence or a few."""
    table: str
    """Markdown: a row for each arm, with the interval on which its answer rests."""
    text: str
    """The whole verdict, laid out for a terminal."""
    arms: Mapping[str, Mapping[str, Any]]
    """By arm, words and numbers that no language changes: ``verdict``, ``difference``, ``low``, ``high`` and others."""


class Sink(Protocol):
    """Where metrics are mirrored. A sink is fed from the ledger, in a process of its own, never by the training.

    Several runs may be open at a time. Whatever a sink raises ends it and nothing else.
    """

    def start(self, run: SinkRun) -> int:
        """Open a run, or open it again; how many of its epochs are there already (the rest will follow)."""

    def epoch(self, run: SinkRun, measurement: Measurement) -> None:
        """One epoch, in order."""

    def end(self, run: SinkRun, state: str, reason: str) -> None:
        """The run is done, failed, interrupted, or (where droplab itself died) still running."""

    def close(self) -> tuple[str, ...]:
        """Write what is left; lines that the user should read."""


@runtime_checkable
class ConcludingSink(Sink, Protocol):
    """A sink that takes the verdict too."""

    def conclude(self, conclusion: Conclusion) -> Collection[str] | None:
        """What the experiment has shown; said once, before the last ``epoch`` and ``end``, to be there on ``close``.

        Said again, also by another process: when an experiment was added to, it may be another one.

        Returns:
            Ids of runs that this sink was told to the end and wants to be told anew, as it cannot add to them; None is
            as good as no ids.
        """


@dataclass(frozen=True)
class ExperimentRecord:
    """All that analysis and report need of an experiment, read from the ledger in one go."""

    name: str
    experiment_id: str
    spec: Mapping[str, Any]
    arms: tuple[str, ...]
    baseline: str
    seeds: tuple[int, ...]
    epochs: int
    runs: Mapping[RunKey, RunRecord]
    sizes: Mapping[str, int]
    """Samples per part: ``train``, ``fit``, ``validation``, ``test``."""
    test_openings: int = 0
    looks: int = 0
    """How often the set of seeds was enlarged after runs had finished."""
    shape: tuple[int, ...] = ()
    """Of one sample; empty where the ledger is older than this entry."""
    events: tuple[Event, ...] = ()
    notices: tuple[Notice, ...] = ()
    """What was seen by the check before the experiment, and by its runs."""
    measures: tuple[Measure, ...] = CLASSIFICATION
    """The first is the primary one."""
    endpoints: Mapping[str, Any] = field(default_factory=dict)
    """What was decided on before results were seen (``analysis/planned.py``); empty in older ledgers: set "1"."""
    rounded: Mapping[str, float] = field(default_factory=dict)
    """By measure: the decimal step to which all of its values were rounded before they got here."""

    @property
    def metrics(self) -> frozenset[str]:
        """Names of all metrics that any run has reported."""
        return frozenset(name for run in self.runs.values() for name in run.metrics)

    def complete(self, arm: str) -> tuple[RunRecord, ...]:
        """The arm's finished runs, in the order of the seeds."""
        found = (self.runs.get(RunKey(arm, seed)) for seed in self.seeds)
        return tuple(run for run in found if run is not None and run.state == "done")


def are_images(shape: Sequence[int]) -> bool:
    """Whether samples of that shape are called images: ``(1 or 3 channels, height, width)``.

    >>> are_images((3, 32, 32)), are_images((20,)), are_images(())
    (True, False, False)
    """
    return len(shape) == 3 and shape[0] in {1, 3}

"""What every sink must do, as pytest tests. Inherit ``SinkContract`` and say how your sink is read back.

::

    class TestMySink(SinkContract):
        sink = "my_package.sinks:MySink"

        def read(self, folder, run): ...

One that takes the verdict too (``droplab.records.ConcludingSink``) wants ``read_verdict`` as well.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from droplab.ledger import FILE_NAME, Ledger
from droplab.records import ConcludingSink, Conclusion, Histogram, Measurement, RunKey, SinkRun
from droplab.tracking import Follower, make_sink, mirror, sink_runs

HOSTILE = (
    "<script>alert(1)</script> & \"quotes\" 'single' `back`",
    "../../etc/passwd; DROP TABLE runs; --",
    "\u202eright to left\u202c 日本語 🙂 %s {0} \\",
)
"""Arm names that break what pastes text together."""

EpochValues = Mapping[int, float]
HistogramKey = tuple[str, str, int]


class ReadBack(NamedTuple):
    """What a sink holds of a run, read through its own public means; epochs from 0."""

    config: Mapping[str, Any]
    """Empty where the sink cannot give it back."""
    metrics: Mapping[str, EpochValues]
    histograms: Mapping[HistogramKey, tuple[Sequence[float], float, float]]
    """Counts, lowest and highest edge by ``(kind, layer, epoch)``."""


def write_ledger(
    folder: Path, arms: Sequence[str] = ("no dropout", "dropout 0.5"), seeds: int = 2, epochs: int = 3
) -> Ledger:
    """An open ledger with planned runs and no epochs, for tests that need no training."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = {
        "name": "contract",
        "data": {"name": "none"},
        "model": {"name": "none", "options": {}},
        "recipe": {"epochs": epochs, "lr": 0.001, "batch_size": 4},
        "seeds": list(range(seeds)),
        "arms": [{"name": arm, "p": 0.1 * place} for place, arm in enumerate(arms)],
        "baseline": "",
    }
    design = {
        "spec": spec,
        "plan": {"threads": 1},
        "calibration": {},
        "sizes": {"train": 8, "fit": 8, "validation": 4, "test": 4},
    }
    return Ledger.create(folder / FILE_NAME, design, [RunKey(arm, seed) for seed in range(seeds) for arm in arms])


def measurement(key: RunKey, epoch: int) -> Measurement:
    """Made-up numbers of an epoch, the same on every call; one metric is NaN, one name has a slash."""
    rng = random.Random(f"{key} {epoch}")
    names = ("train_loss", "fit_loss", "val_loss", "val_accuracy", "gap", "lr", "p/drop1", "grad_norm/fc1.weight")
    metrics = {name: rng.uniform(1e-6, 3.0) for name in names}
    metrics["odd"] = math.nan
    histograms = tuple(
        Histogram(kind, layer, -rng.random(), rng.random(), tuple(rng.randrange(1000) for _ in range(64)))
        for layer in ("fc1.weight", "fc1.bias")
        for kind in ("gradient", "parameter")
    )
    return Measurement(epoch, metrics, histograms)


def commit(ledger: Ledger, epochs: range, state: str = "done") -> None:
    """Write those epochs of every run, then the state."""
    for key in ledger.progress():
        ledger.set_state(key, "running")
        for epoch in epochs:
            ledger.commit_epoch(key, measurement(key, epoch))
        if state != "running":
            ledger.set_state(key, state, "a reason <b>" if state == "failed" else "")


def conclusion(arms: Sequence[str], low: float) -> Conclusion:
    """A made-up verdict: every arm but the first is better, by an interval that begins at ``low``."""
    numbers = {"endpoint": "as_deployed", "difference": low + 0.1, "low": low, "high": low + 0.2}
    first = {"verdict": "baseline", "recommended": arms[-1]}
    rest = {arm: {"verdict": "better", **numbers, "recommended": arms[-1]} for arm in arms[1:]}
    table = f"| arm | interval |\n| --- | --- |\n| 1 | {low} |"
    return Conclusion(
        f"Use the last <arm> of {len(arms)}.", table, f"```\nThe verdict from {low}.", {arms[0]: first, **rest}
    )


class SinkContract:
    """Inherit, set ``sink`` and write ``read``; ``tolerance`` is the relative error of the sink's number format."""

    sink: str
    tolerance = 0.0
    histograms_tolerance = 0.0

    def read(self, folder: Path, run: SinkRun) -> ReadBack:
        """What the sink holds of a run, through the sink's public means."""
        raise NotImplementedError

    def read_verdict(self, folder: Path, run: SinkRun) -> Mapping[str, Any] | str:
        """What the sink says of a run's arm, or its text on all arms where it has no place for each."""
        raise NotImplementedError

    def check(self, folder: Path, ledger: Ledger) -> None:
        """Every run of the ledger is in the sink, whole and once."""
        for key, run in sink_runs(ledger).items():
            done = ledger.epochs_done(key)
            found = self.read(folder, run)
            stored = [ledger.measurement(key, epoch) for epoch in range(done)]
            names = {name for m in stored for name, value in m.metrics.items() if not math.isnan(value)}
            assert names <= set(found.metrics), names - set(found.metrics)
            for name in names:
                series = found.metrics[name]
                assert sorted(series) == list(range(done)), (name, sorted(series))
                for m in stored:
                    self.close(series[m.epoch], m.metrics[name], self.tolerance)
            wanted = {(h.kind, h.layer, m.epoch): h for m in stored for h in m.histograms}
            assert set(found.histograms) == set(wanted)
            for where, h in wanted.items():
                counts, low, high = found.histograms[where]
                assert list(counts) == list(h.counts)
                self.close(low, h.low, self.histograms_tolerance)
                self.close(high, h.high, self.histograms_tolerance)
            if found.config:
                assert found.config["experiment_id"] == run.experiment_id
                assert int(found.config["seed"]) == key.seed

    @staticmethod
    def close(found: float, wanted: float, tolerance: float) -> None:
        """Equal within the relative tolerance."""
        assert abs(found - wanted) <= tolerance * abs(wanted), (found, wanted)

    def test_everything_in_the_ledger_arrives(self, tmp_path: Path) -> None:
        """Every metric of every epoch, every histogram, the config."""
        with write_ledger(tmp_path) as ledger:
            commit(ledger, range(3))
            assert mirror(tmp_path, self.sink)
            self.check(tmp_path, ledger)

    def test_twice_is_once(self, tmp_path: Path) -> None:
        """Exporting again changes nothing."""
        with write_ledger(tmp_path, seeds=1) as ledger:
            commit(ledger, range(3))
            mirror(tmp_path, self.sink)
            mirror(tmp_path, self.sink)
            self.check(tmp_path, ledger)

    def test_a_run_that_was_cut_short_goes_on(self, tmp_path: Path) -> None:
        """What an earlier session wrote stays, the rest follows, nothing is there twice."""
        with write_ledger(tmp_path, seeds=1, epochs=4) as ledger:
            commit(ledger, range(2), "interrupted")
            mirror(tmp_path, self.sink)
            commit(ledger, range(2, 4))
            mirror(tmp_path, self.sink)
            self.check(tmp_path, ledger)

    def test_it_follows_while_runs_go_on(self, tmp_path: Path) -> None:
        """Runs side by side, polled between their epochs."""
        with write_ledger(tmp_path) as ledger, Follower(tmp_path, make_sink(self.sink, tmp_path)) as follower:
            for epoch in range(3):
                commit(ledger, range(epoch, epoch + 1), "running" if epoch < 2 else "done")
                follower.poll()
            follower.finish()
            self.check(tmp_path, ledger)

    def test_failed_runs_and_hostile_names(self, tmp_path: Path) -> None:
        """Names with markup, quotes, paths, right-to-left text and emoji arrive as they are."""
        with write_ledger(tmp_path, arms=HOSTILE, seeds=1, epochs=1) as ledger:
            commit(ledger, range(1), "failed")
            mirror(tmp_path, self.sink)
            self.check(tmp_path, ledger)
            inside = [path.resolve() for path in tmp_path.rglob("*") if not path.is_symlink()]
            assert all(tmp_path.resolve() in path.parents for path in inside)

    def test_the_verdict_arrives_and_is_replaced_by_a_later_one(self, tmp_path: Path) -> None:
        """A sink that takes it has today's, once, and of no other one a number; one that does not goes on as it is."""
        with write_ledger(tmp_path, arms=("no <dropout>", HOSTILE[2]), seeds=1, epochs=1) as ledger:
            commit(ledger, range(1))
            runs = sink_runs(ledger)
            arms = [key.arm for key in runs]
            takes = isinstance(make_sink(self.sink, tmp_path), ConcludingSink)
            in_turn = [conclusion(arms, low) for low in (0.1, 0.1, 1 / 3, 0.1)]
            undecided = {arm: {"verdict": "undecided", "recommended": arms[0]} for arm in arms}
            for told in (*in_turn, replace(in_turn[0], arms=undecided)):
                mirror(tmp_path, self.sink, told)
                for key, run in runs.items() if takes else ():
                    found = self.read_verdict(tmp_path, run)
                    if isinstance(found, str):
                        assert told.table in found
                        assert told.text in found
                    else:
                        assert found == told.arms[key.arm]
            self.check(tmp_path, ledger)

"""What every schedule must obey, as pytest tests. Inherit, and say what your schedule's values are.

::

    class TestMySchedule(ScheduleContract):
        schedule = MySchedule(until=0.5)
        values = {0.0: 0.0, 0.5: 1.0, 1.0: 1.0}


    class TestMyController(AdaptiveContract):
        schedule = MyController()
        overfitting = {"gap": 2.0}
        underfitting = {"gap": -2.0}
        calm = {"gap": 0.31}
"""

from __future__ import annotations

import copy
import json
import math
import pickle
import random
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, ClassVar

from droplab.errors import SpecError, UserError
from droplab.schedules import Adaptive, Schedule, make

STEPS = (1, 2, 3, 7, 100)
"""Lengths of training, down to a single step."""
PEAKS = (0.0, 1e-9, 0.1, 0.5, 1.0)


class _Written:
    """What pure and adaptive schedules share: they can be written down, read back, copied and sent away."""

    schedule: ClassVar[Any]

    def test_it_is_written_down_and_read_back(self) -> None:
        """Through JSON, by name and parameters alone; what is read back is equal and is written the same."""
        written = json.loads(json.dumps(self.schedule.describe()))
        again = make(written)
        assert type(again) is type(self.schedule)
        assert again == self.schedule
        assert again.describe() == self.schedule.describe()

    def test_it_is_copied_and_sent_away(self) -> None:
        """``pickle`` and ``deepcopy`` give an equal schedule."""
        assert pickle.loads(pickle.dumps(self.schedule)) == self.schedule  # noqa: S301  # our own bytes
        assert copy.deepcopy(self.schedule) == self.schedule

    def test_it_does_not_change(self) -> None:
        """Parameters are frozen."""
        before = self.schedule.describe()
        for name in type(self.schedule).model_fields:
            try:
                setattr(self.schedule, name, 0.123)
            except ValueError:
                continue
            raise AssertionError(f"{name} could be set")
        assert self.schedule.describe() == before

    def test_a_wrong_parameter_is_refused_with_what_exists(self) -> None:
        """An unknown parameter is an error that names the schedule's own; several problems come at once."""
        table = {**self.schedule.describe(), "no_such_parameter": 1, "nor_this": 2}
        try:
            make(table)
        except SpecError as problem:
            lines = problem.problems
        else:
            raise AssertionError("unknown parameters were accepted")
        assert len(lines) == 2
        assert all("unknown parameter" in line and self.schedule.name in line for line in lines)

    def test_it_says_what_it_is(self) -> None:
        """The docstring has the equation, the boundary values and the paper."""
        text = type(self.schedule).__doc__ or ""
        assert "Equation:" in text
        assert "Boundaries:" in text
        assert self.schedule.paper


class ScheduleContract(_Written):
    """Inherit, set ``schedule`` and ``values``: the documented share of ``p`` by share of training, at site 0 of 1.

    ``values`` must have the boundaries, 0 and 1 among its keys.
    """

    schedule: ClassVar[Schedule]
    values: ClassVar[Mapping[float, float]]

    def grid(self) -> Iterator[tuple[int, int, float, int, int]]:
        """Arguments to call it with: all lengths, all steps and beyond, all peaks, one site and several."""
        for steps in STEPS:
            for step in (*range(steps + 1), -1, steps + 1):
                for p in PEAKS:
                    yield from ((step, steps, p, site, sites) for sites in (1, 3) for site in range(sites))

    def test_p_is_within_0_and_its_peak(self) -> None:
        """At every step, the boundaries and a training of one step among them."""
        for step, steps, p, site, sites in self.grid():
            found = self.schedule(step, steps, p, site, sites)
            assert type(found) is float
            assert 0.0 <= found <= p, (step, steps, p, site, sites, found)

    def test_it_is_pure(self) -> None:
        """Equal arguments give equal values, in whatever order it is asked."""
        asked = list(self.grid())
        first = {arguments: self.schedule(*arguments) for arguments in asked}
        random.Random(0).shuffle(asked)
        assert {arguments: self.schedule(*arguments) for arguments in asked} == first

    def test_it_scales_with_the_peak(self) -> None:
        """The factor does not depend on ``p``."""
        for step, steps, _, site, sites in self.grid():
            whole = self.schedule(step, steps, 1.0, site, sites)
            assert math.isclose(self.schedule(step, steps, 0.5, site, sites), 0.5 * whole, rel_tol=1e-12)

    def test_documented_values(self) -> None:
        """The factor at the boundaries and at places between is the documented one."""
        assert {0.0, 1.0} <= set(self.values)
        steps = 1200
        for t, wanted in self.values.items():
            step = round(t * steps)
            assert math.isclose(step, t * steps, abs_tol=1e-9), f"{t} is no whole step of {steps}"
            found = self.schedule(step, steps, 1.0)
            assert math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-12), (t, found, wanted)

    def test_beyond_the_ends_it_holds(self) -> None:
        """Steps before the first and after the last have the ends' values."""
        assert self.schedule(-5, 10, 0.5) == self.schedule(0, 10, 0.5)
        assert self.schedule(15, 10, 0.5) == self.schedule(10, 10, 0.5)

    def test_what_makes_no_sense_is_refused(self) -> None:
        """No steps, ``p`` outside [0, 1], a site that is not there."""
        for arguments in ((0, 0, 0.5, 0, 1), (0, 1, 1.1, 0, 1), (0, 1, -0.1, 0, 1), (0, 1, math.nan, 0, 1)):
            self._refused(*arguments)
        self._refused(0, 1, 0.5, 1, 1)

    def _refused(self, step: int, steps: int, p: float, site: int, sites: int) -> None:
        try:
            self.schedule(step, steps, p, site, sites)
        except UserError:
            return
        raise AssertionError(f"{(step, steps, p, site, sites)} was accepted")


class AdaptiveContract(_Written):
    """Inherit, set ``schedule`` and three epochs' metrics, for the sites ``a``, ``b`` and ``c``.

    ``overfitting`` asks for more dropout, ``underfitting`` for less, ``calm`` lies inside the hysteresis band.
    Where an answer takes several epochs (a slope), override ``epochs`` and make them from the kind.
    """

    schedule: ClassVar[Adaptive]
    overfitting: ClassVar[Mapping[str, float]] = {}
    underfitting: ClassVar[Mapping[str, float]] = {}
    calm: ClassVar[Mapping[str, float]] = {}

    START: ClassVar[Mapping[str, float]] = {"a": 0.2, "b": 0.3, "c": 0.4}

    def epochs(self, kind: str, count: int) -> list[Mapping[str, float]]:
        """Metrics of ``count`` epochs; ``kind`` is ``overfitting``, ``underfitting`` or ``calm``."""
        found: Mapping[str, float] = getattr(self, kind)
        return [found] * count

    def run(self, metrics: list[Mapping[str, float]]) -> list[dict[str, float]]:
        """Rates of every epoch, the first one's included."""
        state, rates = self.schedule.start(self.START)
        found = [rates]
        for epoch in metrics:
            state, rates = self.schedule.update(state, epoch)
            found.append(rates)
        return found

    def wild(self, count: int) -> list[Mapping[str, float]]:
        """Epochs of numbers from anywhere, the largest and the smallest among them."""
        rng = random.Random(0)
        names = set(self.epochs("calm", 1)[0])
        sizes = (0.0, 1e-300, 1e-3, 1.0, 1e6, 1e150)
        return [{name: rng.choice((-1, 1)) * rng.choice(sizes) * rng.random() for name in names} for _ in range(count)]

    def inside(self, rates: Mapping[str, float]) -> bool:
        """Whether all rates are within the limits."""
        return all(self.schedule.low <= rate <= self.schedule.high for rate in rates.values())

    def test_it_starts_from_the_arms_p(self) -> None:
        """Within the limits as it is, else at the limit."""
        low, high = self.schedule.low, self.schedule.high
        _, rates = self.schedule.start({"a": 0.0, "b": 1.0, "c": (low + high) / 2})
        assert rates == {"a": low, "b": high, "c": (low + high) / 2}

    def test_p_stays_within_its_limits(self) -> None:
        """Whatever is measured, and however long."""
        assert all(self.inside(rates) for rates in self.run(self.wild(300)))
        for kind in ("overfitting", "underfitting"):
            assert all(self.inside(rates) for rates in self.run(self.epochs(kind, 200)))

    def test_overfitting_never_lowers_p_and_raises_it(self) -> None:
        """At every site, up to the limit."""
        found = self.run(self.epochs("overfitting", 50))
        for before, after in pairwise(found):
            assert all(after[site] >= before[site] for site in before)
        assert all(found[-1][site] > found[0][site] for site in found[0])

    def test_underfitting_never_raises_p_and_lowers_it(self) -> None:
        """At every site, down to the limit."""
        found = self.run(self.epochs("underfitting", 50))
        for before, after in pairwise(found):
            assert all(after[site] <= before[site] for site in before)
        assert all(found[-1][site] < found[0][site] for site in found[0])

    def test_hysteresis_holds_still(self) -> None:
        """From rest, nothing inside the band moves ``p`` at all."""
        found = self.run(self.epochs("calm", 50))
        assert all(rates == found[0] for rates in found)

    def test_no_epoch_moves_p_far(self) -> None:
        """The mean change over the sites is at most ``most``."""
        for metrics in (self.wild(100), self.epochs("overfitting", 50), self.epochs("underfitting", 50)):
            found = self.run(metrics)
            for before, after in pairwise(found):
                change = sum(abs(after[site] - before[site]) for site in before) / len(before)
                assert change <= self.schedule.most + 1e-12

    def test_update_is_pure(self) -> None:
        """The state handed in is not changed, and equal arguments give equal results."""
        state, _ = self.schedule.start(self.START)
        for epoch in [*self.epochs("overfitting", 8), *self.wild(8)]:
            kept = copy.deepcopy(state)
            first = self.schedule.update(state, epoch)
            assert state == kept
            assert self.schedule.update(copy.deepcopy(state), dict(epoch)) == first
            first[1]["a"] = math.nan  # what the caller does with the rates is no matter of the state
            state = self.schedule.update(state, epoch)[0]
            assert self.inside(state["p"])

    def test_the_state_survives_json(self) -> None:
        """Interrupted anywhere, it goes on as if it had not been; to the bit."""
        metrics = [*self.epochs("overfitting", 6), *self.wild(6), *self.epochs("underfitting", 6)]
        whole = self.run(metrics)
        state, _ = self.schedule.start(self.START)
        for place, epoch in enumerate(metrics):
            state = json.loads(json.dumps(state))
            state, rates = self.schedule.update(state, epoch)
            assert rates == whole[place + 1]

    def test_what_was_not_measured(self) -> None:
        """NaN and infinity move nothing; a metric that is missing is an error that names it."""
        state, rates = self.schedule.start(self.START)
        epoch = self.epochs("overfitting", 1)[0]
        for bad in (math.nan, math.inf, -math.inf):
            assert self.schedule.update(state, dict.fromkeys(epoch, bad)) == (state, rates)
        for name in epoch:
            less = {key: value for key, value in epoch.items() if key != name}
            try:
                self.schedule.update(state, less)
            except UserError as problem:
                assert name in str(problem)  # noqa: PT017  # the contract needs no pytest to be imported
            else:
                raise AssertionError(f"{name} was not missed")

    def test_no_sites_are_refused(self) -> None:
        """There is nothing to control."""
        try:
            self.schedule.start({})
        except UserError:
            return
        raise AssertionError("no sites were accepted")

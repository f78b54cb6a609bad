"""A contract that cannot fail holds nothing: each fault here must be found by the test that is named beside it."""

from __future__ import annotations

import itertools
import random

import pytest

from droplab.schedules import AdaptiveGap, Linear
from droplab.testing import AdaptiveContract, ScheduleContract

RNG = random.Random(0)
COUNT = itertools.count()


class Impure(Linear):
    def factor(self, t, site, sites):
        return RNG.random()


class TooHigh(Linear):
    def __call__(self, step, steps, p, site=0, sites=1):
        return 1.01 * p


class EndsAtTheLastStep(Linear):
    def __call__(self, step, steps, p, site=0, sites=1):
        return super().__call__(step, steps - 1, p, site, sites) if steps > 1 else 0.0


class Absolute(Linear):
    def __call__(self, step, steps, p, site=0, sites=1):
        return min(p, 0.3)


class Posing(Linear):
    """Written down as another class than it is."""

    def describe(self):
        return Linear(start=self.start, end=self.end).describe()


class Lenient(Linear):
    def __call__(self, step, steps, p, site=0, sites=1):
        return super().__call__(step, max(steps, 1), p, 0, 1)


@pytest.mark.parametrize(
    ("fault", "test"),
    [
        (Impure, "test_it_is_pure"),
        (TooHigh, "test_p_is_within_0_and_its_peak"),
        (EndsAtTheLastStep, "test_documented_values"),
        (Absolute, "test_it_scales_with_the_peak"),
        (Lenient, "test_what_makes_no_sense_is_refused"),
        (Posing, "test_it_is_written_down_and_read_back"),
    ],
)
def test_faults_of_schedules_are_found(fault, test):
    contract = type("Held", (ScheduleContract,), {"schedule": fault(), "values": {0.0: 0.0, 0.5: 0.5, 1.0: 1.0}})()
    with pytest.raises(AssertionError):
        getattr(contract, test)()


class Backwards(AdaptiveGap):
    def error(self, state, metrics):
        return -super().error(state, metrics)


class Nervous(AdaptiveGap):
    def _direction(self, direction, error):
        return 1 if error > 0 else -1


class Unlimited(AdaptiveGap):
    def _limited(self, rate):
        return rate


class Mutating(AdaptiveGap):
    def update(self, state, metrics):
        after, rates = super().update(state, metrics)
        state["p"].update(rates)
        return after, rates


class Remembering(AdaptiveGap):
    """What it knows is not in its state."""

    def error(self, state, metrics):
        return super().error(state, metrics) + (next(COUNT) % 7) / 10


class Bounding(AdaptiveGap):
    def weights(self, state, metrics, change):
        return dict.fromkeys(state["p"], 3.0)


@pytest.mark.parametrize(
    ("fault", "test"),
    [
        (Backwards, "test_overfitting_never_lowers_p_and_raises_it"),
        (Backwards, "test_underfitting_never_raises_p_and_lowers_it"),
        (Nervous, "test_hysteresis_holds_still"),
        (Unlimited, "test_p_stays_within_its_limits"),
        (Unlimited, "test_it_starts_from_the_arms_p"),
        (Mutating, "test_update_is_pure"),
        (Remembering, "test_the_state_survives_json"),
        (Bounding, "test_no_epoch_moves_p_far"),
    ],
)
def test_faults_of_controllers_are_found(fault, test):
    metrics = {"overfitting": {"gap": 0.6}, "underfitting": {"gap": 0.1}, "calm": {"gap": 0.34}}
    contract = type("Held", (AdaptiveContract,), {"schedule": fault(target=0.3), **metrics})()
    with pytest.raises(AssertionError):
        getattr(contract, test)()

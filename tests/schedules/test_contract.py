"""Every schedule that ships, held to the contract; ``values`` are the documented shares of ``p``."""

from __future__ import annotations

import math

import pytest

from droplab.schedules import (
    SCHEDULES,
    Adaptive,
    AdaptiveGap,
    AdaptiveSiteGap,
    AdaptiveSlope,
    Chain,
    Constant,
    Cosine,
    Curriculum,
    DepthRamp,
    Early,
    Late,
    Linear,
    Max,
    Min,
    Piecewise,
    Product,
    Step,
    WarmUp,
)
from droplab.testing import AdaptiveContract, ScheduleContract

SITES = ("a", "b", "c")
FALLING = Linear(start=1, end=0)


class TestConstant(ScheduleContract):
    schedule = Constant()
    values = {0.0: 1.0, 0.5: 1.0, 1.0: 1.0}


class TestLinear(ScheduleContract):
    schedule = Linear()
    values = {0.0: 0.0, 0.25: 0.25, 1.0: 1.0}


class TestLinearDown(ScheduleContract):
    schedule = Linear(start=0.9, end=0.1)
    values = {0.0: 0.9, 0.5: 0.5, 1.0: 0.1}


class TestCosine(ScheduleContract):
    schedule = Cosine(start=1.0, end=0.2)
    values = {0.0: 1.0, 0.25: 0.6 + 0.4 * math.cos(math.pi / 4), 0.5: 0.6, 1.0: 0.2}


class TestStep(ScheduleContract):
    schedule = Step(at=(0.25, 0.5), by=0.1)
    values = {0.0: 1.0, 0.245: 1.0, 0.25: 0.1, 0.5: 0.01, 1.0: 0.01}


class TestWarmUp(ScheduleContract):
    schedule = WarmUp(until=0.25)
    values = {0.0: 0.0, 0.125: 0.5, 0.25: 1.0, 1.0: 1.0}


class TestEarly(ScheduleContract):
    """Liu et al.: 50 of 300 epochs, in a line."""

    schedule = Early()
    values = {0.0: 1.0, 25 / 300: 0.5, 50 / 300: 0.0, 51 / 300: 0.0, 1.0: 0.0}


class TestEarlyConstant(ScheduleContract):
    schedule = Early(until=0.5, shape="constant")
    values = {0.0: 1.0, 0.495: 1.0, 0.5: 0.0, 1.0: 0.0}


class TestLate(ScheduleContract):
    schedule = Late()
    values = {0.0: 0.0, 49 / 300: 0.0, 50 / 300: 1.0, 1.0: 1.0}


class TestCurriculum(ScheduleContract):
    """Morerio et al., equation for the keep rate with 10/T, turned into a drop rate: 1 - θ(s) over 1 - θ̄."""

    schedule = Curriculum()
    values = {s / 100: (1 - ((1 - 0.5) * math.exp(-10 / 100 * s) + 0.5)) / (1 - 0.5) for s in (0, 1, 10, 50, 100)}


class TestDepthRamp(ScheduleContract):
    schedule = DepthRamp()
    values = {0.0: 1.0, 1.0: 1.0}

    def test_depth(self):
        assert [self.schedule(0, 1, 0.5, site, 5) for site in range(5)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
        assert [DepthRamp(first=0)(0, 1, 0.4, site, 5) for site in range(5)] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


class TestPiecewise(ScheduleContract):
    schedule = Piecewise(at=(0.25, 0.5), values=(0.2, 1.0))
    values = {0.0: 0.2, 0.25: 0.2, 0.49: 0.2, 0.5: 1.0, 1.0: 1.0}


class TestPiecewiseLinear(ScheduleContract):
    schedule = Piecewise(at=(0.25, 0.75), values=(0.2, 1.0), between="linear")
    values = {0.0: 0.2, 0.25: 0.2, 0.5: 0.6, 0.75: 1.0, 1.0: 1.0}


class TestChain(ScheduleContract):
    schedule = Chain(of=["linear", FALLING, {"name": "constant"}], at=[0.25, 0.75])
    values = {0.0: 0.0, 0.125: 0.5, 0.25: 1.0, 0.5: 0.5, 0.75: 1.0, 1.0: 1.0}


class TestProduct(ScheduleContract):
    schedule = Product(of=[Linear(), FALLING, "depth-ramp"])
    values = {0.0: 0.0, 0.25: 0.1875, 0.5: 0.25, 1.0: 0.0}


class TestMin(ScheduleContract):
    schedule = Min(of=[Linear(), FALLING])
    values = {0.0: 0.0, 0.25: 0.25, 0.5: 0.5, 0.75: 0.25, 1.0: 0.0}


class TestMax(ScheduleContract):
    schedule = Max(of=[Linear(), FALLING, Min(of=[Constant()])])
    values = {0.0: 1.0, 0.5: 1.0, 1.0: 1.0}


class TestAdaptiveGap(AdaptiveContract):
    schedule = AdaptiveGap(target=0.3, hysteresis=0.05)
    overfitting = {"gap": 0.6}
    underfitting = {"gap": 0.1}
    calm = {"gap": 0.34}


class TestAdaptiveSiteGap(AdaptiveContract):
    schedule = AdaptiveSiteGap(target=0.3, hysteresis=0.05, low=0.1, high=0.8)
    norms = {f"site_norm/{site}": 1.0 + place for place, site in enumerate(SITES)}
    overfitting = {"gap": 0.6, **norms}
    underfitting = {"gap": 0.1, **norms}
    calm = {"gap": 0.26, **norms}

    def test_the_layer_that_grew_most_moves_most_and_comes_back_last(self):
        state, start = self.schedule.start(self.START)
        state, _ = self.schedule.update(state, {**self.calm})
        grown = {**self.norms, "site_norm/c": 2 * self.norms["site_norm/c"]}
        _, up = self.schedule.update(state, {**grown, "gap": 0.5})
        _, down = self.schedule.update(state, {**grown, "gap": 0.2})
        rise = {site: up[site] - start[site] for site in SITES}
        fall = {site: start[site] - down[site] for site in SITES}
        assert rise["c"] > rise["a"] > 0
        assert fall["a"] > fall["c"] > 0
        common = AdaptiveGap(target=0.3, low=0.1, high=0.8)
        _, all_alike = common.update(common.start(self.START)[0], {"gap": 0.5})
        assert math.isclose(sum(rise.values()), sum(all_alike[site] - start[site] for site in SITES))
        assert math.isclose(rise["c"], 2 * rise["a"])


class TestAdaptiveSlope(AdaptiveContract):
    schedule = AdaptiveSlope(window=3, gain=1.0)
    calm = {"val_loss": 1.0}

    def epochs(self, kind, count):
        slope = {"overfitting": 0.02, "underfitting": -0.05, "calm": 0.004}[kind]
        return [{"val_loss": 5.0 + slope * epoch} for epoch in range(count)]

    def test_p_rises_as_the_loss_does(self):
        found = self.run(self.epochs("overfitting", 23))
        rise = found[-1]["a"] - found[0]["a"]
        assert math.isclose(rise, 0.02 * (23 - 3 + 1), rel_tol=1e-6)  # from the third epoch, one slope each

    def test_release_0_never_lowers_p(self):
        control = AdaptiveSlope(window=2, release=0.0)
        state, start = control.start(self.START)
        for epoch in self.epochs("underfitting", 20):
            state, rates = control.update(state, epoch)
            assert rates == start


def subclasses(kind):
    return [inner for direct in kind.__subclasses__() for inner in (direct, *subclasses(direct))]


def test_every_registered_schedule_is_held_to_a_contract():
    cases = (*subclasses(ScheduleContract), *subclasses(AdaptiveContract))
    held = {case.schedule.name for case in cases if case.__module__ == __name__}
    assert held == set(SCHEDULES)
    for name, kind in SCHEDULES.items():
        assert kind.name == name
        assert name.startswith("adaptive-") == issubclass(kind, Adaptive)


def test_a_controller_that_moves_goes_on_to_the_target_and_rests_there():
    """Inside the band it moves on until the target is crossed: that is what hysteresis adds to a dead zone."""
    control = AdaptiveGap(target=0.3, hysteresis=0.1, gain=0.5, most=0.05)
    state, _ = control.start({"a": 0.5})
    seen = []
    for gap in (0.35, 0.45, 0.35, 0.31, 0.29, 0.35, 0.22, 0.19, 0.25):
        state, rates = control.update(state, {"gap": gap})
        seen.append(round(rates["a"], 6))
    assert seen == [0.5, 0.55, 0.575, 0.58, 0.58, 0.58, 0.58, 0.53, 0.505]


def test_the_controller_holds_a_gap_that_answers_to_p():
    """A plant whose gap follows p with a lag: from any start it comes near the target and stays there."""
    for start in (0.0, 0.5, 0.9):
        control = AdaptiveGap(target=0.3)
        state, rates = control.start({"a": start})
        gap, tail = 0.0, []
        for epoch in range(120):
            gap += 0.3 * (1.0 - rates["a"] - gap)
            state, rates = control.update(state, {"gap": gap})
            if epoch >= 80:
                tail.append(gap)
        assert max(abs(gap - 0.3) for gap in tail) <= control.hysteresis + 0.02

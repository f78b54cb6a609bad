"""Schedules that a user writes and no table has are held to the contracts: they are read back by `pkg.module:name`."""

from __future__ import annotations

from typing import ClassVar

import pytest

from droplab.schedules import SCHEDULES, AdaptiveGap, Schedule
from droplab.testing import AdaptiveContract, ScheduleContract


class Power(Schedule):
    """Rises as a power of the share of training.

    Equation: ``p t^power``.
    Boundaries: 0 at ``t = 0``, ``p`` at ``t = 1``.
    """

    name: ClassVar[str] = "power"
    paper: ClassVar[str] = "none"
    power: float = 0.5

    def factor(self, t, site, sites):
        return t**self.power


class MyGap(AdaptiveGap):
    """Equation: as its base's. Boundaries: as well."""

    name: ClassVar[str] = "my-gap"


def laws_of(contract):
    return [name for name in dir(contract) if name.startswith("test_")]


@pytest.mark.parametrize("test", laws_of(ScheduleContract))
def test_a_schedule_of_ones_own(test):
    contract = ScheduleContract()
    contract.schedule, contract.values = Power(power=0.5), {0.0: 0.0, 0.25: 0.5, 1.0: 1.0}
    assert contract.schedule.name not in SCHEDULES
    getattr(contract, test)()


@pytest.mark.parametrize("test", laws_of(AdaptiveContract))
def test_a_controller_of_ones_own(test):
    contract = AdaptiveContract()
    contract.schedule = MyGap(target=0.3)
    contract.overfitting, contract.underfitting, contract.calm = {"gap": 2.0}, {"gap": -2.0}, {"gap": 0.31}
    assert contract.schedule.name not in SCHEDULES
    getattr(contract, test)()

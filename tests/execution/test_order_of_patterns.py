"""Of site patterns the last that matches wins, so that another order is another arm; of plain names it is not."""

from __future__ import annotations

import pytest

import droplab
from droplab.errors import UserError
from tests.conftest import tiny
from tests.training.loops import MEASURES, regression

RATES = {"drop*": 0.1, "drop2": 0.5}


def house(p, out):
    arms = [{"name": "none", "p": 0.0}, {"name": "sites", "p": p}]
    return droplab.compare(tiny(arms=arms, seeds=1, recipe={"epochs": 1}), out=out)


def guest(p, out):
    arms = [{"name": "none", "p": 0.0}, {"name": "sites", "p": p}]
    return droplab.compare(regression, arms=arms, seeds=1, measures=MEASURES, out=out)


@pytest.mark.parametrize(("way", "p"), [(house, RATES), (guest, {"dr*": 0.1, "drop": 0.5})], ids=["house", "guest"])
def test_another_order_of_patterns_is_another_experiment(tmp_path, way, p):
    first = way(p, tmp_path / "x").record
    assert way(dict(p), tmp_path / "x").record == first
    with pytest.raises(UserError, match=r"the order of p in the arm 'sites': dr.* there, dr.* here \(the last pattern"):
        way(dict(reversed(p.items())), tmp_path / "x")
    assert droplab.Results.read(tmp_path / "x").record == first


def test_the_order_of_plain_names_is_no_matter(tmp_path):
    p = {"drop1": 0.1, "drop2": 0.5}
    first = house(p, tmp_path / "x").record
    assert house(dict(reversed(p.items())), tmp_path / "x").record == first

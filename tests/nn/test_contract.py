"""Every row of the catalog is held to ``LayerContract``."""

from __future__ import annotations

import pytest

from droplab import nn
from droplab.nn.catalog import CATALOG
from droplab.nn.layer import DropLayer
from droplab.testing import LayerContract

for _name, _row in CATALOG.items():
    _title = f"Test_{_name}"
    globals()[_title] = type(_title, (LayerContract,), {"row": _row, "__module__": __name__})


def test_every_layer_has_a_row():
    layers = {thing for thing in vars(nn).values() if isinstance(thing, type) and issubclass(thing, DropLayer)}
    assert layers - {DropLayer} == {row.layer for row in CATALOG.values()}


@pytest.mark.parametrize("row", CATALOG.values(), ids=CATALOG)
def test_rows_say_what_they_must(row):
    assert row.paper.rstrip("0123456789") != row.paper, "the year is missing"
    assert "y = " in row.equation
    assert row.shares
    assert row.ranks is None or len(row.shape) in row.ranks

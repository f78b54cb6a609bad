"""Every row of the catalog is held to ``LayerContract``."""

from __future__ import annotations

import pytest

from droplab import nn
from droplab.nn.catalog import CATALOG
from droplab.nn.layer import DropLayer
from droplab.testing import LayerContract

IN_GRAPHS = ("dropout", "weight_drop_linear")
"""Rows that are called twice in graphs here; the others by ``make prove``, as it takes a second for each."""
ONE_OF_A_KIND = ("dropout", "gaussian_dropout", "drop_block2d", "unit_dropout_linear", "weight_drop_lstm", "standout")
"""Rows that the slow tests are made of here, one of each way to draw; of the others by ``make prove``.

That a row compiles in one graph and equals eager mode is tested for all of them: ``test_a_schedule_compiles_once``.
"""
SLOW = ("test_compiled", "test_make_fx", "test_second_derivatives", "test_tensors_without_memory")

for _name, _row in CATALOG.items():
    _title = f"Test_{_name}"
    _own = {} if _name in IN_GRAPHS else {"test_called_twice_in_graphs": None}
    if _name not in ONE_OF_A_KIND:
        _own |= dict.fromkeys(SLOW)
    globals()[_title] = type(_title, (LayerContract,), {"row": _row, "__module__": __name__, **_own})


@pytest.mark.prove
@pytest.mark.parametrize("row", CATALOG.values(), ids=CATALOG)
def test_no_row_is_called_twice_in_graphs(row):
    contract = LayerContract()
    contract.row = row
    contract.test_called_twice_in_graphs()


@pytest.mark.prove
@pytest.mark.parametrize("test", SLOW)
@pytest.mark.parametrize("row", CATALOG.values(), ids=CATALOG)
def test_slow_transforms_of_every_row(row, test):
    contract = LayerContract()
    contract.row = row
    getattr(contract, test)()


def test_every_layer_has_a_row():
    layers = {thing for thing in vars(nn).values() if isinstance(thing, type) and issubclass(thing, DropLayer)}
    assert layers - {DropLayer} == {row.layer for row in CATALOG.values()}


@pytest.mark.parametrize("row", CATALOG.values(), ids=CATALOG)
def test_rows_say_what_they_must(row):
    assert row.paper.rstrip("0123456789") != row.paper, "the year is missing"
    assert "y = " in row.equation
    assert row.shares
    assert row.ranks is None or len(row.shape) in row.ranks

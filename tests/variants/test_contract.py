"""Every kind of the catalog is held to ``LayerContract``."""

from __future__ import annotations

import pytest

from droplab import nn
from droplab.layers.layer import DropLayer
from droplab.testing import LayerContract
from droplab.testing.laws import ORACLES
from droplab.variants.catalog import CATALOG

IN_GRAPHS = ("dropout", "weight_drop_linear")
"""Rows that are called twice in graphs here; the others by ``make prove``, as it takes a second for each."""
ONE_OF_A_KIND = ("dropout", "gaussian_dropout", "drop_block2d", "unit_dropout_linear", "weight_drop_lstm", "standout")
"""Rows that the slow tests are made of here, one of each way to draw; of the others by ``make prove``.

That a row compiles in one graph and equals eager mode is tested for all of them: ``test_a_schedule_compiles_once``.
"""
SLOW = ("test_compiled", "test_make_fx", "test_second_derivatives", "test_tensors_without_memory")

for _name, _oracle in ORACLES.items():
    _title = f"Test_{_name}"
    _own = {} if _name in IN_GRAPHS else {"test_called_twice_in_graphs": None}
    if _name not in ONE_OF_A_KIND:
        _own |= dict.fromkeys(SLOW)
    globals()[_title] = type(_title, (LayerContract,), {"oracle": _oracle, "__module__": __name__, **_own})


@pytest.mark.prove
@pytest.mark.parametrize("oracle", ORACLES.values(), ids=ORACLES)
def test_no_kind_is_called_twice_in_graphs(oracle):
    contract = LayerContract()
    contract.oracle = oracle
    contract.test_called_twice_in_graphs()


@pytest.mark.prove
@pytest.mark.parametrize("test", SLOW)
@pytest.mark.parametrize("oracle", ORACLES.values(), ids=ORACLES)
def test_slow_transforms_of_every_kind(oracle, test):
    contract = LayerContract()
    contract.oracle = oracle
    getattr(contract, test)()


def test_every_layer_is_of_a_kind():
    layers = {thing for thing in vars(nn).values() if isinstance(thing, type) and issubclass(thing, DropLayer)}
    assert layers - {DropLayer} == {kind.layer for kind in CATALOG.values()}


@pytest.mark.parametrize("kind", CATALOG.values(), ids=CATALOG)
def test_rows_say_what_they_must(kind):
    assert kind.paper.rstrip("0123456789") != kind.paper, "the year is missing"
    assert "y = " in kind.equation
    assert kind.shares


def test_every_kind_is_held_to_an_oracle():
    assert list(ORACLES) == list(CATALOG)
    for oracle in ORACLES.values():
        assert oracle.ranks is None or len(oracle.shape) in oracle.ranks

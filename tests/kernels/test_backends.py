from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from droplab.kernels import Job, Law, apply, backend
from tests.kernels.cases import DTYPES, LAYOUTS, ONLY_READ, Case, cases, empty
from tests.rng import layout

pytestmark = pytest.mark.gpu


@settings(max_examples=80, deadline=None, derandomize=True)
@given(cases())
def test_every_backend_equals_the_reference_to_the_bit(run, case):
    np.testing.assert_array_equal(run(case), case.run("reference"))


@pytest.mark.parametrize("dtype", DTYPES)
def test_so_it_does_for_layouts_that_matter(run, dtype):
    """Dropout on images and tokens in both memory orders, with draws for units, channels, rows and samples."""
    places = [((3, 40, 5, 8), (2, 3)), ((3, 40, 16, 8), ()), ((3, 40, 16, 8), (1, 2, 3)), ((2, 9, 200), (1,))]
    for turn, ((shape, shared), memory) in enumerate(itertools.product(places, ("contiguous", "channels last"))):
        case = Case(shape, dtype, p=0.3, seed=turn, batch_dim=0, shared=shared, x=memory, out=memory)
        np.testing.assert_array_equal(run(case), case.run("reference"))


@pytest.mark.parametrize("name", ["reference", "numba"])
def test_masks_are_those_of_the_page(name):
    for shape, batch_dim, shared in [((700,), None, ()), ((3, 50, 7), 0, ()), ((5, 300), 1, ()), ((4, 6, 9), 0, (2,))]:
        out = torch.full(shape, torch.nan)
        with backend(name):
            apply(torch.ones(shape), out, Job(0.3, 2**63 + 5, 6, 7, 8, batch_dim, shared))
        drawn = layout.draws(shape, seed=2**63 + 5, step=6, layer=7, samples=8, batch_dim=batch_dim, shared=shared)
        dropped = layout.threshold(0.3)
        scale = np.float32(65536 / (65536 - dropped))
        np.testing.assert_array_equal(out.numpy(), np.where(drawn >= dropped, scale, 0))


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_shards_of_a_batch_equal_the_whole(run, parts):
    for dtype, shared in itertools.product(("float32", "bfloat16"), ((), (2,))):
        whole = Case((6, 33, 10), dtype, p=0.4, seed=9, step=2, layer=5, batch_dim=0, shared=shared, values="ones")
        pieces = [run(piece) for piece in whole.shards(parts)]
        np.testing.assert_array_equal(np.concatenate(pieces), run(whole))


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
@pytest.mark.parametrize("law", Law)
def test_everything_dropped_is_zero_or_the_residual_and_nothing_is_the_input(run, dtype, law):
    for tensors, shared in itertools.product((False, True), ((), (1,))):
        all_gone = Case((9, 40), dtype, p=1.0, law=law, tensors=tensors, shared=shared)
        assert not run(all_gone).any()
        none_gone = Case((9, 40), dtype, p=0.0, law=Law.PLAIN, tensors=tensors, shared=shared)
        itself = Case((9, 40), dtype, p=1.0, tensors=tensors, shared=shared, residual="contiguous", seed=0)
        np.testing.assert_array_equal(run(itself), Case((9, 40), dtype, p=0.0, seed=1).run("reference"))
        np.testing.assert_array_equal(run(none_gone), none_gone.run("reference"))


def test_layouts_are_what_their_names_say():
    strides = {layout: empty((2, 3, 4), layout, torch.float32)[1].stride() for layout in ONLY_READ}
    assert strides == {
        "contiguous": (12, 4, 1),
        "reversed": (1, 2, 6),
        "channels last": (12, 1, 3),
        "stepped": (126, 18, 2),
        "offset": (12, 4, 1),
        "expanded": (4, 0, 1),
    }
    assert set(LAYOUTS) < set(strides)

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from droplab import rng
from droplab.kernels import Job, apply, backend
from droplab.kernels.reference import lanes, thresholds
from tests.rng import layout

STEADY = settings(deadline=None, derandomize=True)

# Random123's kat_vectors, "philox4x32 10": counter, key, answer
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text: str) -> tuple[int, ...]:
    return tuple(int(word, 16) for word in text.split())


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_philox_gives_random123s_known_answers(counter, key, answer):
    assert rng.philox(words(counter), words(key)) == words(answer)
    assert tuple(int(word) for word in layout.philox4x32(words(counter), words(key))) == words(answer)


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_the_layout_puts_the_known_answers_where_the_page_says(counter, key, answer):
    block, sample, step, layer = words(counter)
    low, high = words(key)
    first = block // 16 * 128 + block % 16
    halves = [half for word in words(answer) for half in (word & 0xFFFF, word >> 16)]
    assert [rng.value(low + (high << 32), layer, step, sample, first + 16 * lane) for lane in range(8)] == halves


@pytest.mark.parametrize("name", ["reference", "numba"])
def test_kernels_drop_below_the_threshold_and_not_at_it(name):
    halves = [half for word in words(KNOWN[0][2]) for half in (word & 0xFFFF, word >> 16)]
    for lane, half in enumerate(halves):
        for dropped, kept in ((half, True), (half + 1, False)):
            out = torch.full((128,), torch.nan)
            with backend(name):
                apply(torch.ones(128), out, Job(dropped / 65536, 0))
            assert (float(out[16 * lane]) > 0) is kept


def test_one_page_and_its_copy_in_numpy_agree():
    draw = random.Random(0)
    for _ in range(20):
        seed, layer, step, sample = (draw.getrandbits(bits) for bits in (64, 32, 32, 32))
        drawn = layout.draws((300,), seed=seed, step=step, layer=layer, samples=sample)
        for element in (0, 1, 15, 16, 127, 128, 299):
            assert drawn[element] == rng.value(seed, layer, step, sample, element)


@STEADY
@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=4),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.data(),
)
def test_the_reference_draws_what_numpy_does(shape, seed, step, layer, data):
    batch_dim = data.draw(st.none() | st.integers(0, len(shape) - 1))
    shared = tuple(dim for dim in range(len(shape)) if dim != batch_dim and data.draw(st.booleans()))
    ids = st.integers(0, 2**40)
    samples = data.draw(ids)
    if batch_dim is not None and data.draw(st.booleans()):
        samples = data.draw(st.lists(ids, min_size=shape[batch_dim], max_size=shape[batch_dim]))
    job = Job(0.5, seed, step, layer, samples, batch_dim, shared)
    if not isinstance(samples, int):
        job = job._replace(samples=torch.tensor(samples))
    drawn = lanes(tuple(shape), job, torch.device("cpu")).expand(shape)
    wanted = layout.draws(shape, seed=seed, step=step, layer=layer, samples=samples, batch_dim=batch_dim, shared=shared)
    np.testing.assert_array_equal(drawn.numpy(), wanted)


def test_a_mask_tells_samples_steps_layers_and_both_halves_of_the_seed_apart():
    base = {"seed": 5, "step": 6, "layer": 7, "samples": 8}
    first = layout.draws((64,), **base)
    for change in ({"seed": 6}, {"seed": 5 + 2**32}, {"step": 7}, {"layer": 8}, {"samples": 9}):
        assert (layout.draws((64,), **{**base, **change}) == first).sum() < 4


@STEADY
@given(st.floats(0, 1))
def test_a_threshold_is_the_nearest_one_and_never_all_or_nothing_by_rounding(p):
    found = rng.threshold(p)
    assert found == layout.threshold(p) == int(thresholds(torch.tensor(p, dtype=torch.float64), torch.device("cpu")))
    assert (found == 0) == (p == 0)
    assert (found == 65536) == (p == 1)
    near = Fraction(1, 131072) if 1 / 131072 <= p <= 1 - 1 / 131072 else Fraction(1, 65536)
    assert abs(Fraction(rng.effective_rate(p)) - Fraction(p)) <= near


@pytest.mark.parametrize("p", [1e-300, 1e-9, 0.001, 0.1, 0.25, 0.5, 0.9, 0.999, 1 - 1e-9])
def test_the_mean_is_exact_for_the_effective_rate(p):
    dropped = rng.threshold(p)
    assert rng.keep_scale(dropped) * (1 - rng.effective_rate(p)) == pytest.approx(1, rel=1e-15)
    kept = (layout.draws((65536,), seed=1) >= dropped).mean()
    error = (rng.effective_rate(p) * (1 - rng.effective_rate(p)) / 65536) ** 0.5
    assert abs(kept - (1 - rng.effective_rate(p))) < 4 * error

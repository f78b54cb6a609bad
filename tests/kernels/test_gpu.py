"""What only a GPU can show. Equality with the reference is in ``test_backends.py``, which uses one if it is there."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from droplab import rng
from droplab.kernels import Job, apply, backend

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here"),
]


def on_cpu(x: torch.Tensor, job: Job) -> torch.Tensor:
    out = torch.full_like(x, torch.nan)
    with backend("reference"):
        apply(x, out, job)
    return out


@contextmanager
def waiting_is_an_error() -> Iterator[None]:
    """Torch warns that it does not know of every way to wait; that it says so is no failure here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_graph_s_replays_draw_fresh_masks_from_seed_step_samples_and_rate_in_memory():
    x = torch.randn(64, 1000)
    seed, step, p = (torch.tensor(value, device="cuda") for value in (5, 0, 0.25))
    samples = torch.arange(64, device="cuda")
    there, out = x.cuda(), torch.empty(64, 1000, device="cuda")
    job = Job(p, seed, step, 9, samples, 0)
    apply(there, out, job)  # compiles outside the graph
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        apply(there, out, job)
    for turn in range(4):
        seed.fill_(2**40 + turn)
        step.fill_(turn)
        samples.copy_(torch.arange(64) + 100 * turn)
        p.fill_(turn / 4)
        graph.replay()
        wanted = on_cpu(x, Job(turn / 4, 2**40 + turn, turn, 9, torch.arange(64) + 100 * turn, 0))
        assert torch.equal(out.cpu(), wanted)


def test_values_in_memory_are_read_without_waiting():
    x = torch.ones(4096, device="cuda")
    out = torch.empty_like(x)
    job = Job(torch.tensor(0.5, device="cuda"), torch.tensor(5, device="cuda"), torch.tensor(7, device="cuda"))
    apply(x, out, job)
    with waiting_is_an_error():
        apply(x, out, job)
    assert torch.equal(out.cpu(), on_cpu(torch.ones(4096), Job(0.5, 5, 7)))


def test_more_than_two_to_the_31_elements():
    count = 2**31 + 2**20 + 3
    if torch.cuda.mem_get_info()[0] < 5 * count:
        pytest.skip("the GPU has not the memory for 2^31 elements")
    x = torch.ones(count, dtype=torch.bfloat16, device="cuda")
    apply(x, x, Job(0.5, 5))
    for start in (0, 2**31 - 128, 2**31, (count - 128) // 128 * 128):
        wanted = torch.tensor([2.0 * (rng.value(5, 0, 0, 0, start + i) >= 32768) for i in range(128)])
        assert torch.equal(x[start : start + 128].float().cpu(), wanted)
    assert set(x[-3:].float().tolist()) <= {0.0, 2.0}


def test_the_current_device_need_not_be_the_tensor_s():
    if torch.cuda.device_count() < 2:
        pytest.skip("there is one GPU only")
    x = torch.randn(1000)
    out = torch.empty(1000, device="cuda:1")
    with torch.cuda.device(0):
        apply(x.to("cuda:1"), out, Job(0.5, 5))
    assert torch.equal(out.cpu(), on_cpu(x, Job(0.5, 5)))

"""``droplab.functional`` on a GPU: generators, graphs, compilation, memory, half precision."""

from __future__ import annotations

import pytest
import torch

import droplab
from droplab import functional as F
from droplab.functional import Key

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here"),
]


def test_drop_in_masks_restore_with_the_generator_and_keep_the_rate():
    x = torch.ones(1_000_000, device="cuda")
    torch.cuda.manual_seed(1)
    state = torch.cuda.get_rng_state()
    first, second = F.dropout(x, 0.3), F.dropout(x, 0.3)
    torch.cuda.set_rng_state(state)
    assert torch.equal(F.dropout(x, 0.3), first)
    error = (0.3 * 0.7 / len(x)) ** 0.5
    assert abs(float((first == 0).float().mean()) - 0.3) < 5 * error
    both = float(((first == 0) & (second == 0)).float().mean())
    assert abs(both - 0.09) < 5 * (0.09 * 0.91 / len(x)) ** 0.5


def test_nothing_of_the_input_s_size_is_kept_for_backward():
    x = torch.ones(8_000_000, device="cuda", requires_grad=True)
    F.dropout(x.detach(), 0.5)
    before = torch.cuda.memory_allocated()
    out = F.dropout(x, 0.5)
    assert torch.cuda.memory_allocated() - before <= out.numel() * 4 + 4096
    (grad,) = torch.autograd.grad(out.sum(), x)
    assert torch.equal(grad == 0, out == 0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_compiled_masks_equal_eager_ones(dtype):
    x = torch.randn(64, 300, device="cuda").to(dtype).requires_grad_()

    def call(x: torch.Tensor) -> torch.Tensor:
        return F.dropout(torch.relu(x), 0.25, key=Key(7, "fc"))

    eager, compiled = call(x), torch.compile(call, fullgraph=True)(x)
    assert torch.equal(eager, compiled)
    grads = [torch.autograd.grad(out.float().square().sum(), x)[0] for out in (eager, compiled)]
    assert torch.equal(grads[0], grads[1])


def test_graphs_of_reduce_overhead_draw_anew_and_follow_the_key():
    layer = droplab.nn.Dropout(0.5)
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), layer).cuda()
    fast = torch.compile(model, mode="reduce-overhead")
    x = torch.ones(32, 64, device="cuda")
    step = torch.zeros((), dtype=torch.int64, device="cuda")
    for turn in range(5):
        step.fill_(turn)
        with droplab.keyed(model, seed=3, step=step), torch.no_grad():
            torch.compiler.cudagraph_mark_step_begin()
            kept = fast(x).clone()
        with droplab.keyed(model, seed=3, step=turn), torch.no_grad():
            wanted = model(x)
        assert torch.equal(kept == 0, wanted == 0)


def test_a_captured_graph_draws_a_new_mask_at_each_replay():
    x = torch.ones(4096, device="cuda")
    F.dropout(x, 0.5)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = F.dropout(x, 0.5)
    seen = []
    for _ in range(3):
        graph.replay()
        seen.append(out.clone())
    assert not torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[1], seen[2])


def test_autocast_takes_a_layer_s_input_as_it_comes():
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), droplab.nn.Dropout(0.5)).cuda()
    with torch.autocast("cuda", torch.bfloat16), droplab.keyed(model, seed=1):
        out = model(torch.ones(8, 64, device="cuda"))
        out.float().sum().backward()
    assert out.dtype == torch.bfloat16
    assert model[0].weight.grad.isfinite().all()


def test_transforms():
    x = torch.randn(6, 50, device="cuda")
    key = Key(5, "fc")
    mask = F.dropout(torch.ones(50, device="cuda"), 0.5, key=key)
    assert torch.equal(torch.vmap(lambda row: F.dropout(row, 0.5, key=key))(x), x * mask)
    jacobian = torch.func.jacrev(lambda row: F.dropout(row, 0.5, key=key))(x[0])
    assert torch.equal(jacobian, torch.diag(mask))

"""A schedule of 12 values in the tutorial's network under torch.compile: one graph, and the masks of eager mode."""

from __future__ import annotations

import pytest
import torch
import torch._dynamo
from torch.nn.functional import cross_entropy

import droplab
from droplab.models import TutorialCNN
from droplab.schedules import Linear

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # torch's compiler uses what Python deprecates
    pytest.mark.filterwarnings("ignore::UserWarning:torch"),
    pytest.mark.filterwarnings("ignore:droplab.keyed does not reach"),  # torch's own layers are the peer here
]

STEPS = 12


class Counting:
    """A backend that compiles as another does, and counts the graphs that it made (torch may begin one anew)."""

    def __init__(self) -> None:
        self.graphs = 0
        self.compile = torch._dynamo.lookup_backend("aot_eager")

    def __call__(self, graph, inputs):
        made = self.compile(graph, inputs)
        self.graphs += 1
        return made


def train(model: TutorialCNN, call, tensor: torch.Tensor | None) -> list[torch.Tensor]:
    """Losses of 12 steps, each under the schedule's next value; as a number, or written into the layers' tensor."""
    torch.manual_seed(1)
    x, y = torch.rand(4, 1, 28, 28), torch.tensor([0, 1, 2, 3])
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    losses, rates, schedule = [], set(), Linear(start=0.05, end=1.0)
    for step in range(STEPS):
        p = schedule(step, STEPS, p=0.8)
        rates.add(p)
        for layer in (model.drop1, model.drop2):
            if tensor is None:
                layer.p = p
            else:
                layer.p = tensor.fill_(p)
        with droplab.keyed(model, seed=7, step=step):
            loss = cross_entropy(call(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.detach())
    assert len(rates) == STEPS
    return losses


def network() -> TutorialCNN:
    torch.manual_seed(0)
    return TutorialCNN((1, 28, 28), 10, p=0.5)


@pytest.mark.parametrize("rate", ["number", "tensor"])
def test_twelve_rates_compile_once(rate):
    torch._dynamo.reset()
    found = []
    backend = Counting()
    for compiling in (False, True):
        model = network()
        droplab.replace(model)
        tensor = torch.tensor(0.5, dtype=torch.float64) if rate == "tensor" else None
        call = torch.compile(model, fullgraph=True, backend=backend) if compiling else model
        found.append(torch.stack(train(model, call, tensor)))
    assert backend.graphs == 1
    torch.testing.assert_close(found[1], found[0])
    assert len({float(loss) for loss in found[0]}) == STEPS


def test_torchs_own_layers_compile_again_and_again():
    """What is guarded against is real: if torch has mended it, this says so."""
    torch._dynamo.reset()
    backend = Counting()
    model = network()
    train(model, torch.compile(model, fullgraph=False, backend=backend), None)
    assert backend.graphs > 1

"""Accelerate and Fabric need no adapter: a loop in which they wrap the model gives the numbers of the plain one."""

from __future__ import annotations

import importlib

import pytest
import torch
from torch.nn import functional as F
from torch.utils.data import TensorDataset

import droplab
from tests.training.asking import compared
from tests.training.loops import Net, X, Y

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("default"),  # theirs
]


def accelerated(library, model, optimizer):
    accelerator = library.Accelerator(cpu=True)
    return (*accelerator.prepare(model, optimizer), accelerator.backward)


def in_fabric(library, model, optimizer):
    fabric = library.Fabric(accelerator="cpu", devices=1)
    return (*fabric.setup(model, optimizer), fabric.backward)


WRAPS = {"accelerate": accelerated, "lightning_fabric": in_fabric}


@pytest.mark.parametrize("name", WRAPS)
def test_a_wrapped_loop_gives_the_plain_one_s_numbers(name, tmp_path):
    pytest.importorskip(name, reason=f"{name} is not installed (make test-all)")
    library = importlib.import_module(name)

    def loop(run, wrap):
        model = run.prepare(Net)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        called, stepped, backward = wrap(model, optimizer)
        loader = run.loader(TensorDataset(X, Y), batch_size=16)
        for _ in run.epochs(2, optimizer=optimizer):
            for x, y in loader:
                with run.step():
                    loss = F.mse_loss(called(x), y)
                    stepped.zero_grad()
                    backward(loss)
                    stepped.step()
            model.eval()
            with torch.no_grad():
                run.report(val_loss=F.mse_loss(model(X), Y))
            model.train()

    def plain(model, optimizer):
        return model, optimizer, lambda loss: loss.backward()

    found = [
        droplab.compare(
            lambda run, wrap=wrap: loop(run, wrap),
            arms=[0, 0.5],
            seeds=1,
            measures={"loss": "lower"},
            out=tmp_path / str(number),
        ).record
        for number, wrap in enumerate((plain, lambda *given: WRAPS[name](library, *given)))
    ]
    assert {run.state for run in found[1].runs.values()} == {"done"}
    assert compared(found[1]) == compared(found[0])

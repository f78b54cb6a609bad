"""A loop of one's own on a GPU: with a gradient scaler, compiled, stopped and continued."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

import droplab
from droplab.errors import InterruptedRunError
from droplab.records import RunKey
from tests.training.loops import TRAIN, Net, X, Y

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here"),
]
ARMS = [{"name": "none", "p": 0}, {"name": "ramp", "p": 0.5, "schedule": "linear"}]


def loop(run, mode, crash=lambda epoch: None):
    model = run.prepare(Net)
    called = model if mode is None else torch.compile(model, mode=mode)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    scaler = torch.amp.GradScaler("cuda")
    loader = run.loader(TRAIN, batch_size=16)
    for epoch in run.epochs(3, optimizer=optimizer, scaler=scaler):
        for batch in loader:
            with run.step():
                x, y = (part.to(run.device) for part in batch)
                with torch.autocast("cuda", torch.float16):
                    loss = F.mse_loss(called(x + 0.01 * torch.randn_like(x)).float(), y)
                optimizer.zero_grad()
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
        crash(epoch)
        model.eval()
        with torch.no_grad():
            run.report(val_loss=F.mse_loss(model(X[64:].cuda()), Y[64:].cuda()))
        model.train()


def losses(record):
    return {key: run.metrics["val_loss"] for key, run in record.runs.items()}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", [None, "default", "reduce-overhead"])
def test_a_loop_trains_there_and_continues_to_the_bit(tmp_path, mode):
    torch._dynamo.reset()
    left = [False]

    def crash(epoch):
        if left[0] and epoch == 1:
            left[0] = False
            raise KeyboardInterrupt

    def train(run):
        loop(run, mode, crash)

    options = {"arms": ARMS, "seeds": 1, "measures": {"loss": "lower"}, "compute": {"device": "cuda"}}
    whole = droplab.compare(train, out=tmp_path / "whole", **options).record
    assert {run.state for run in whole.runs.values()} == {"done"}
    assert whole.runs[RunKey("none", 0)].metrics["val_loss"] != whole.runs[RunKey("ramp", 0)].metrics["val_loss"]
    left[0] = True
    with pytest.raises((KeyboardInterrupt, InterruptedRunError)):
        droplab.compare(train, out=tmp_path / "cut", **options)
    again = droplab.compare(train, out=tmp_path / "cut", **options).record
    assert losses(again) == losses(whole)

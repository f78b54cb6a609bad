"""The house's own loop, written through the door, gives the Trainer's figures to the bit."""

import pytest
import torch
from torch.nn import functional as F

import droplab
from droplab.data import load
from droplab.models import build
from droplab.records import CLASSIFICATION, RunKey
from droplab.spec import parse_spec
from droplab.training.optimise import FORGET_EVERY, forget_faded, make_optimizer
from droplab.training.samples import lay_out
from tests.training.trainer import Trainer

SPEC = parse_spec({
    "data": {"train_size": 100},
    "recipe": {"epochs": 2, "batch_size": 32, "precision": "float32"},
    "seeds": 2,
    "arms": [
        {"name": "none", "p": 0.0},
        {"name": "ramp", "p": 0.5, "schedule": "linear"},
        {"name": "held", "p": 0.1, "schedule": {"name": "adaptive-gap", "target": 0.01}},
        {"name": "learned", "p": 0.1, "kind": "concrete_dropout_linear"},
    ],
})  # fmt: skip


@pytest.mark.usefixtures("one_thread")
def test_the_house_as_a_guest_is_the_trainer_to_the_bit(tmp_path):
    data = lay_out(load("fashion-mnist-mini", train_size=100), 50, torch.device("cpu"))
    count = len(data.train)

    def evaluate(model, samples):
        model.eval()
        loss, correct = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.int64)
        with torch.inference_mode():
            for x, y in samples.chunks(512):
                out = model(x).float()
                loss += F.cross_entropy(out, y, reduction="sum")
                correct += (out.argmax(1) == y).sum()
        return float(loss) / len(samples), float(correct) / len(samples)

    def house(run):
        model = run.prepare(lambda: build("tutorial-cnn", data.shape, data.classes, {}))
        model = model.to(memory_format=torch.channels_last)
        optimizer = make_optimizer(model, SPEC.recipe)
        loader = run.loader(range(count), batch_size=32)
        for _ in run.epochs(2, optimizer=optimizer):
            total, hits = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.int64)
            for index in loader:
                x, y = data.train.take(index)
                with run.step() as step:
                    out = model(x)
                    loss = F.cross_entropy(out.float(), y)
                    optimizer.zero_grad(set_to_none=True)
                    (loss + run.penalty()).backward()
                    optimizer.step()
                total += loss.detach() * len(index)
                hits += (out.detach().argmax(1) == y).sum()
                if step % FORGET_EVERY == 0:
                    forget_faded(optimizer)
            fit, val = evaluate(model, data.fit), evaluate(model, data.validation)
            run.report(train_loss=float(total) / count, fit_loss=fit[0], val_loss=val[0])
            run.report(train_accuracy=float(hits) / count, fit_accuracy=fit[1], val_accuracy=val[1])

    found = droplab.compare(house, arms=SPEC.arms, seeds=2, measures=CLASSIFICATION, out=tmp_path / "door").record
    assert {run.state for run in found.runs.values()} == {"done"}, [run.reason for run in found.runs.values()]
    assert not found.notices
    for arm in SPEC.arms:
        for seed in SPEC.seeds:
            trainer = Trainer(SPEC, arm, seed, data, "float32")
            ours = found.runs[RunKey(arm.name, seed)].metrics
            for epoch in range(2):
                theirs = trainer.epoch(epoch).metrics
                same = {name for name, values in ours.items() if theirs[name] == values[epoch]}
                assert set(ours) - same == {"seconds", "images_per_second"}, (arm.name, seed, epoch)
                assert {"gap", "train_accuracy", "p/drop1"} <= same or arm.name == "learned"

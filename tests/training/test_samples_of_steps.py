"""Which samples a batch holds, and in which order they come."""

import functools
from contextlib import suppress

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

import droplab
from tests.training.asking import one, reason
from tests.training.loops import TRAIN, Net, X, Y, figures

pytestmark = pytest.mark.usefixtures("one_thread")


def test_ids_travel_with_a_batch_that_is_fetched_ahead(tmp_path):
    def train(run):
        model = run.prepare(Net)
        ahead = list(run.loader(range(32), batch_size=8, collate_fn=lambda items: {"id": torch.tensor(items)}))
        for _ in run.epochs(1):
            for batch in ahead:
                with run.step(batch) as step:
                    ours = model.drop(torch.ones(8, 16))
                with droplab.keyed(model, seed=run._models.mask_seed, step=step, samples=batch["id"]):
                    assert torch.equal(ours, model.drop(torch.ones(8, 16)))
            run.report(val_loss=0.5)

    record = one(train, tmp_path)
    assert [run.state for run in record.runs.values()] == ["done"], [run.reason for run in record.runs.values()]
    assert not record.notices


def test_a_loader_of_validation_within_the_loop_does_not_confuse(tmp_path):
    def train(run):
        model = run.prepare(Net)
        loader, held = run.loader(TRAIN, batch_size=16), run.loader(TRAIN, batch_size=48, shuffle=False)
        for _ in run.epochs(2):
            for x, y in loader:
                with run.step():
                    nn.functional.mse_loss(model(x), y).backward()
                with torch.no_grad():
                    assert sum(len(y) for _, y in held) == 64
            run.report(val_loss=0.5)

    record = one(train, tmp_path)
    assert [run.state for run in record.runs.values()] == ["done"], [run.reason for run in record.runs.values()]
    assert not record.notices


def test_steps_without_indenting_are_steps(tmp_path):
    seen = {}

    def train(run, *, indented):
        model = run.prepare(Net)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        loader = run.loader(TRAIN, batch_size=16)

        def learn(x, y):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()

        for _ in run.epochs(2, optimizer=optimizer):
            if indented:
                for number, (x, y) in enumerate(loader):
                    with run.step():
                        learn(x, y)
                    if number == 2:
                        break
            else:
                for number, (x, y) in enumerate(run.steps(loader)):
                    learn(x, y)
                    if number == 2:
                        break
            run.report(val_loss=figures(model)["val_loss"])
        seen[indented] = figures(model)["val_loss"]

    for indented in (True, False):
        record = one(functools.partial(train, indented=indented), tmp_path / str(indented))
        assert not record.notices
    assert torch.equal(seen[True], seen[False])


class Stream(IterableDataset):
    """Has no indices."""

    def __iter__(self):
        return iter(X[:32])


@pytest.mark.parametrize("how", ["own loader", "stream", "two in hand", "fetched ahead"])
def test_batches_that_cannot_be_told_are_keyed_by_place_and_said(tmp_path, how):
    def train(run):
        model = run.prepare(Net)
        loader = run.loader(X[:32], batch_size=8)
        for _ in run.epochs(2):
            batches = {
                "own loader": lambda: DataLoader(X[:32], 8),
                "stream": lambda: run.loader(Stream(), batch_size=8),
                "two in hand": lambda: (x for x, _ in zip(loader, run.loader(Y[:32], batch_size=8), strict=True)),
                "fetched ahead": lambda: iter(list(zip(loader, range(9), strict=False))),
            }[how]()
            if how == "fetched ahead":
                stream = iter(loader)
                held = next(stream)
                for following in stream:
                    with run.step():
                        model(held).sum().backward()
                    held = following
            else:
                for x in batches:
                    with run.step():
                        model(x).sum().backward()
            run.report(val_loss=0.5)

    record = one(train, tmp_path)
    assert [run.state for run in record.runs.values()] == ["done"], [run.reason for run in record.runs.values()]
    assert [notice.code for notice in record.notices] == ["keyed_by_place"]


def test_a_wrong_number_of_ids_is_an_error(tmp_path):
    def train(run):
        model = run.prepare(Net)
        for _ in run.epochs(1):
            with run.step(samples=torch.arange(5)):
                model(X[:8])

    assert "5" in reason(train, tmp_path)


def test_passes_of_a_loader_have_orders_of_their_own(tmp_path):
    seen = []

    def train(run):
        model = run.prepare(Net)
        loader = run.loader(range(16), batch_size=16)
        for _ in run.epochs(2):
            seen.extend(tuple(batch.tolist()) for _ in range(2) for batch in loader)
            seen.extend(tuple(batch.tolist()) for batch in run.loader(range(16), batch_size=16))
            with run.step(), suppress(KeyError):
                model(X)
            run.report(val_loss=0.5)

    one(train, tmp_path)
    assert len(set(seen)) == len(seen) == 6
    before = list(seen)
    seen.clear()
    droplab.compare(train, arms=[0], seeds=1, out=tmp_path / "other")
    assert seen == before

"""``run.epochs(…, unit="3 steps")``: epochs that end in the middle of a pass, and are continued there."""

import functools

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset, IterableDataset

import droplab
from tests.training.asking import compared, one, reason
from tests.training.loops import Net, X, Y, figures

pytestmark = pytest.mark.usefixtures("one_thread")
RAMP = {"name": "ramp", "p": 0.5, "schedule": "linear"}


class Read(Dataset):
    """Remembers what was read."""

    def __init__(self):
        self.seen = []

    def __len__(self):
        return 50

    def __getitem__(self, index):
        self.seen.append(index)
        return X[index] + 0.01 * torch.randn(4), Y[index]


class Stream(IterableDataset):
    """A stream of 50 samples."""

    def __iter__(self):
        return zip(X[:50], Y[:50], strict=True)


class Crash(BaseException):
    """What nobody catches."""


def train(run, data=Read, crash_at=(), options=None, given=None):
    """50 samples in batches of 12 make passes of 5 steps; epochs have 3, and 8 of them make 4 passes and 4 steps."""
    model = run.prepare(Net)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = run.loader(data(), batch_size=12, **(options or {}))
    for epoch in run.epochs(8, unit="3 steps", optimizer=optimizer):
        for x, y in loader:
            with run.step():
                optimizer.zero_grad()
                nn.functional.mse_loss(model(x), y).backward()
                optimizer.step()
            if given is not None:
                given.append(len(x))
        if epoch in crash_at:
            crash_at.remove(epoch)
            raise Crash
        run.report(val_loss=figures(model)["val_loss"])


def interrupted(tmp_path, **options):
    """The record of a run that was interrupted in the epochs 0, 2, 3 and 7."""
    crash_at = [0, 2, 3, 7]
    call = functools.partial(one, functools.partial(train, crash_at=crash_at, **options), tmp_path, arms=[RAMP])
    while crash_at:
        with pytest.raises(Crash):
            call(accept_changed_code=True)
    return call(accept_changed_code=True)


@pytest.mark.parametrize(
    "options",
    [{}, {"num_workers": 2}, {"num_workers": 1, "persistent_workers": True}, {"drop_last": True}],
    ids=["here", "workers", "persistent", "drop_last"],
)
def test_a_continued_run_is_an_uninterrupted_one(tmp_path, options):
    given, data = [], Read
    if options.get("persistent_workers"):
        data = functools.partial(torch.utils.data.TensorDataset, X[:50], Y[:50])
    whole = one(functools.partial(train, data=data, options=options, given=given), tmp_path / "whole", arms=[RAMP])
    (run,) = whole.runs.values()
    assert (run.state, run.epochs_done) == ("done", 8), run.reason
    assert given == ([12] * 24 if options.get("drop_last") else ([12, 12, 12, 12, 2] * 5)[:24])
    again = interrupted(tmp_path, data=data, options=options)
    assert compared(again) == compared(whole)
    assert not [notice for notice in again.notices if notice.code != "code_changed"]


def test_what_was_trained_on_is_skipped_and_not_read(tmp_path):
    reads = []

    def data():
        reads.append(Read())
        return reads[-1]

    one(functools.partial(train, data=data), tmp_path / "whole", arms=[RAMP])
    whole = reads.pop().seen
    assert sorted(whole[:50]) == sorted(whole[50:100]) == list(range(50))
    assert whole[:50] != whole[50:100]
    interrupted(tmp_path, data=data)
    done = [0, 0, 2, 3, 7]  # epochs that each of the sessions found done
    for session, epochs in zip(reads, done, strict=True):
        begun = sum(([12, 12, 12, 12, 2] * 5)[: 3 * epochs])
        assert session.seen == whole[begun : begun + len(session.seen)]


def test_a_stream_is_read_forward_and_that_is_said(tmp_path):
    whole = one(functools.partial(train, data=Stream), tmp_path / "whole", arms=[RAMP])
    again = interrupted(tmp_path, data=Stream)
    assert compared(again) == compared(whole)
    assert {run.state for run in again.runs.values()} == {"done"}
    assert {"read_forward", "keyed_by_place"} <= {notice.code for notice in again.notices}
    assert "read_forward" not in {notice.code for notice in whole.notices}
    assert "of an IterableDataset again" in droplab.Results.read(tmp_path / "one").text()


@pytest.mark.parametrize("unit", ["500", "0 steps", "some steps", 500, "3 epochs"])
def test_another_unit(tmp_path, unit):
    said = reason(lambda run: [run.prepare(Net), *run.epochs(2, unit=unit)], tmp_path)
    assert f"run.epochs got unit={unit!r}; a number of steps is wanted, such as '500 steps'" in said


def in_an_epoch(do, **options):
    def loop(run):
        model = run.prepare(Net)
        loader = run.loader(X[:50], batch_size=12)
        for _ in run.epochs(2, unit="3 steps", **options):
            do(run, model, loader)
            run.report(val_loss=0.5)

    return loop


def twice(run, model, loader):
    for _ in "ab":
        for _ in run.steps(loader):
            pass


@pytest.mark.parametrize(
    ("loop", "words"),
    [
        (in_an_epoch(lambda run, model, loader: None), "epoch 1 had 0 steps, and unit says 3; take the batches from"),
        (in_an_epoch(lambda run, *_: [None for _ in run.steps(range(4))]), "epoch 1 had 4 steps, and unit says 3"),
        (in_an_epoch(twice), "all 3 steps of epoch 1 are done"),
        (in_an_epoch(lambda run, *_: run.loader(X, batch_size=2)), "make the loader before run.epochs"),
        (in_an_epoch(twice, steps_per_epoch=3), "got unit and steps_per_epoch"),
    ],
)
def test_one_clear_message(tmp_path, loop, words):
    assert words in reason(loop, tmp_path)

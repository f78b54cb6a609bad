"""A run that is continued is one that was never interrupted."""

import functools

import pytest
import torch
from torch import nn

import droplab
from droplab.records import RunKey
from tests.training.asking import ARMS, compared, one
from tests.training.loops import MEASURES, TRAIN, Net, figures, regression

pytestmark = pytest.mark.usefixtures("one_thread")


class Crash(BaseException):
    """What nobody catches."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return droplab.compare(
        regression, arms=ARMS, seeds=2, measures=MEASURES, out=tmp_path_factory.mktemp("whole") / "w"
    )


@pytest.mark.parametrize("crash_at", [0, 1, 2])
def test_a_continued_run_is_an_uninterrupted_one(whole, tmp_path, crash_at):
    left = [3]

    def crash(epoch):
        left[0] -= epoch == crash_at
        if not left[0]:
            left[0] = -1
            raise Crash

    def train(run):
        regression(run, before_report=crash)

    call = functools.partial(droplab.compare, train, arms=ARMS, seeds=2, measures=MEASURES, out=tmp_path / "c")
    with pytest.raises(Crash):
        call()
    before = droplab.Results.read(tmp_path / "c").record
    assert before.runs[RunKey("ramp", 0)].state == "interrupted"
    assert before.runs[RunKey("ramp", 0)].epochs_done == crash_at
    after = call().record
    assert compared(after) == compared(whole.record)
    assert {run.state for run in after.runs.values()} == {"done"}


def test_finished_runs_are_not_trained_again_and_more_seeds_and_arms_are_added(whole, tmp_path):
    seen = []

    def train(run):
        seen.append((run.arm.name, run.seed))
        regression(run)

    out = tmp_path / "grown"
    droplab.compare(train, arms=ARMS[:2], seeds=1, measures=MEASURES, out=out)
    droplab.compare(train, arms=ARMS[:2], seeds=1, measures=MEASURES, out=out)
    assert len(seen) == 2
    grown = droplab.compare(train, arms=[0, ARMS[2]], seeds=2, measures=MEASURES, out=out).record
    assert len(seen) == len(set(seen)) == 6
    assert compared(grown) == compared(whole.record)
    assert grown.arms == whole.record.arms
    assert grown.baseline == "no dropout"
    assert grown.looks == 1


@pytest.mark.parametrize("workers", [2])
def test_workers_change_nothing(whole, tmp_path, workers):
    def train(run):
        regression(run, workers=workers)

    found = droplab.compare(train, arms=[0.5], seeds=1, measures=MEASURES, out=tmp_path / "w").record
    key = RunKey("dropout 0.5", 0)
    assert compared(found)[key] == compared(whole.record)[key]


def test_without_epochs_a_run_starts_again(tmp_path):
    crash = [True]

    def train(run):
        model = run.prepare(Net)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        loader = run.loader(TRAIN, batch_size=16)
        for epoch in range(3):
            for x, y in loader:
                with run.step():
                    loss = nn.functional.mse_loss(model(x), y)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
            if epoch == 2 and crash[0]:
                crash[0] = False
                raise Crash
            run.report(**{name: value for name, value in figures(model).items() if "loss" in name})

    with pytest.raises(Crash):
        one(train, tmp_path)
    assert next(iter(droplab.Results.read(tmp_path / "one").record.runs.values())).epochs_done == 2
    record = one(train, tmp_path)
    (run,) = record.runs.values()
    assert (run.state, run.epochs_done, record.epochs) == ("done", 3, 3)
    assert [notice.code for notice in record.notices] == ["starts_again"]
    assert any(event.kind == "run forgotten" for event in record.events)
    again = droplab.compare(train, arms=[0.5], seeds=1, out=tmp_path / "again").record
    assert compared(again) == compared(record)

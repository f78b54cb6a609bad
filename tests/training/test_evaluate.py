"""``run.epochs(…, evaluate=…)``: reports, and compares what was loaded with what was reported."""

import functools

import pytest
import torch
from torch import nn

import droplab
from tests.training.asking import compared, one, reason
from tests.training.loops import TRAIN, Net, X, Y, figures

pytestmark = pytest.mark.usefixtures("one_thread")


class Crash(BaseException):
    """What nobody catches."""


def train(run, kept=True, odd=lambda model: 0.0, crash=None, by_hand=False):
    model = run.prepare(Net)
    average = torch.optim.swa_utils.AveragedModel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = run.loader(TRAIN, batch_size=16)

    def evaluate():
        found = {name: value for name, value in figures(average).items() if "loss" in name}
        found["val_loss"] = found["val_loss"] + odd(model)
        if by_hand:
            run.report(**found)
            return None
        return found

    keep = {"average": average} if kept else {}
    for epoch in run.epochs(3, optimizer=optimizer, evaluate=evaluate, **keep):
        for x, y in run.steps(loader):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x + 0.01 * torch.randn_like(x)), y).backward()
            optimizer.step()
            average.update_parameters(model)
        if crash and epoch == 1:
            crash.pop()
            raise Crash


def continued(tmp_path, **options):
    call = functools.partial(one, functools.partial(train, crash=[1], **options), tmp_path)
    with pytest.raises(Crash):
        call()
    return one(functools.partial(train, **options), tmp_path, accept_changed_code=True)


@pytest.mark.parametrize("by_hand", [False, True])
def test_what_is_whole_is_compared_in_silence_and_to_the_bit(tmp_path, by_hand):
    whole = one(functools.partial(train, by_hand=by_hand), tmp_path / "whole")
    again = continued(tmp_path, by_hand=by_hand)
    assert compared(again) == compared(whole)
    assert {notice.code for notice in again.notices} == {"code_changed"}


def test_what_was_not_kept_is_said(tmp_path):
    record = continued(tmp_path, kept=False)
    (notice,) = [notice for notice in record.notices if notice.code == "continues_otherwise"]
    (run,) = record.runs.values()
    assert (notice.detail["epoch"], notice.detail["then"]) == (1, run.metrics["val_loss"][0])
    assert any("name it in run.epochs" in event.detail.get("text", "") for event in record.events)
    assert "continued otherwise than it was" in droplab.Results.read(tmp_path / "one").text()


def test_an_evaluation_that_does_not_repeat_itself_tells_nothing(tmp_path):
    record = continued(tmp_path, odd=lambda model: torch.rand(()))
    assert {notice.code for notice in record.notices} == {"code_changed"}


@pytest.mark.parametrize(
    ("evaluate", "words"),
    [
        (3, "run.epochs got evaluate=3; a function without arguments"),
        (lambda: 0.5, "evaluate returned 0.5, a float; a dict of figures is wanted"),
        (lambda: {"val_los": 0.5}, "did you mean 'val_loss'?"),
        (lambda: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_one_clear_message(tmp_path, evaluate, words):
    assert words in reason(lambda run: [run.prepare(Net), *run.epochs(2, evaluate=evaluate)], tmp_path)


def test_reported_twice(tmp_path):
    def loop(run):
        run.prepare(Net)
        for _ in run.epochs(2, evaluate=lambda: {"val_loss": (X - X).sum() + Y.mean()}):
            run.report(val_loss=0.5)

    assert "val_loss was reported twice" in reason(loop, tmp_path)

"""Figures that are reported sample by sample: folds in the ledger, the mean, what is kept, what is refused."""

import functools
import math

import numpy as np
import pytest
import torch

import droplab
from droplab.folds import fold_sums
from droplab.records import Notice, RunKey
from tests.training.asking import one, reason
from tests.training.loops import Net, X, Y, trained

pytestmark = pytest.mark.usefixtures("one_thread")


def sampled(run, named=int, seen=None):
    """Reports batch by batch, in another order in every epoch, by ids of its own."""
    for epoch, model in trained(run):
        order = torch.roll(torch.arange(96), 7 * epoch)
        for part in order.split(20):
            with torch.no_grad():
                losses = (model(X[part]) - Y[part]).square().squeeze(1)
            run.report_samples(val_loss=losses, ids=[named(one) for one in part.tolist()])
            if seen is not None:
                seen.setdefault(epoch, np.zeros(96))[part] = losses.double()
        run.report(fit_loss=0.5)


def test_folds_and_the_mean_are_in_the_ledger(tmp_path):
    seen = {}
    record = one(functools.partial(sampled, seen=seen), tmp_path)
    (run,) = record.runs.values()
    assert run.state == "done", run.reason
    assert run.folds == {"val_loss": tuple(fold_sums(np.arange(96), seen[epoch]) for epoch in range(3))}
    assert run.metrics["val_loss"] == tuple(math.fsum(seen[epoch]) / 96 for epoch in range(3))
    assert [len(pairs) for pairs in run.folds["val_loss"]] == [2, 2, 2]
    assert droplab.Results.read(tmp_path / "one").samples("dropout 0.5", 0) == {}


@pytest.mark.parametrize("named", [int, "sample {}".format])
def test_samples_are_kept_where_it_is_told(tmp_path, named):
    seen = {}
    one(functools.partial(sampled, named=named, seen=seen), tmp_path, keep_samples=1)
    results = droplab.Results.read(tmp_path / "one")
    (run,) = results.record.runs.values()
    best = int(np.argmin(run.metrics["val_loss"]))
    found = results.samples("dropout 0.5", 0)
    assert set(found) == {best, 2}
    for epoch, figures in found.items():
        ids, values = figures["val_loss"]
        assert dict(zip(ids, values, strict=True)) == {
            named(place): float(np.float32(value)) for place, value in enumerate(seen[epoch])
        }


def test_the_ceiling_is_said(tmp_path):
    record = one(sampled, tmp_path, keep_samples=0.002)
    assert record.notices == (Notice("samples_not_kept", detail={"wanted": 0.002, "allowed": 0.002}),)
    assert next(iter(record.runs.values())).folds
    assert "Figures of single samples are not in the ledger" in droplab.Results.read(tmp_path / "one").text()


def test_ids_of_the_batch_in_hand(tmp_path):
    def train(run):
        model = run.prepare(Net)
        held = run.loader(X, batch_size=40, shuffle=False)
        for _ in run.epochs(1):
            for x in held:
                run.report_samples(loss=model(x).detach().squeeze(1))

    (run,) = one(train, tmp_path, arms=[0]).runs.values()
    assert run.state == "done", run.reason
    assert sum(count for _, count in run.folds["val_loss"][0]) == 96


class Crash(BaseException):
    """What nobody catches."""


def test_what_is_remembered_comes_back(tmp_path):
    crash = [True]

    def train(run):
        run.prepare(Net)
        for epoch in run.epochs(4):
            if epoch == 2 and crash.pop() if crash else False:
                raise Crash
            run.report_samples(val_loss=[0.1 if epoch == 1 else 0.5] * 4, ids=range(4))

    call = functools.partial(one, train, tmp_path, keep_samples=1)
    with pytest.raises(Crash):
        call()
    call()
    assert set(droplab.Results.read(tmp_path / "one").samples("dropout 0.5", 0)) == {1, 3}


def in_an_epoch(do):
    def train(run):
        model = run.prepare(Net)
        for epoch in run.epochs(2):
            do(run, epoch, model)

    return train


def give(ids, **figures):
    return in_an_epoch(lambda run, epoch, model: run.report_samples(ids=ids, **(figures or {"loss": [0.5] * 4})))


@pytest.mark.parametrize(
    ("loop", "words"),
    [
        (give([0, 1, 2, 1]), "val_loss of the sample 1 twice in one epoch"),
        (give(["a", "b", "a", "c"]), "val_loss of the sample 'a' twice"),
        (give([0, 1, 2]), "got 4 values of val_loss and 3 ids"),
        (give([0, 1, 2, 0.5]), "ids=[0, 1, 2, 0.5]; whole numbers or texts"),
        (give("abcd"), "whole numbers or texts"),
        (give([True, False, True, False]), "whole numbers or texts"),
        (give(torch.zeros(2, 2)), "whole numbers or texts"),
        (give([2**70, 0, 1, 2]), "whole numbers or texts"),
        (give(None), "got no ids, and it is not clear which batch is meant"),
        (give(range(4), los=[0.5] * 4), "did you mean 'loss'?"),
        (give(range(4), fit_loss=[0.5] * 4), "got fit_loss=…; it takes measures on validation samples: val_loss"),
        (give(range(4), loss=0.5), "val_loss=0.5; one number for each sample"),
        (give(range(2), loss=[[1.0], [1.0, 2.0]]), "one number for each sample"),
        (give(range(4), loss=torch.ones(4, requires_grad=True)), "a tensor with a gradient"),
        (give(range(4), loss=[0.5, math.nan, 0.5, math.nan]), "(epoch 1): nan for the sample 1 and 1 more"),
        (give(range(4), loss=[0.5] * 4, mae=[0.5, math.inf, 0.5, 0.5]), "got val_mae=inf for the sample 1, in epoch 1"),
        (give(range(0), loss=[]), "val_loss is no longer finite"),
        (in_an_epoch(lambda run, *_: run.report_samples(ids=[0])), "got no figures; one number for each sample"),
        (
            in_an_epoch(lambda run, *_: [run.report(loss=1), run.report_samples(loss=[1.0], ids=[0])]),
            "reported as one number already",
        ),
        (
            in_an_epoch(lambda run, *_: [run.report_samples(loss=[1.0], ids=[0]), run.report(loss=1)]),
            "val_loss was reported twice",
        ),
        (
            in_an_epoch(lambda run, *_: [run.report_samples(loss=[1.0], ids=[one]) for one in (0, "a")]),
            "texts and ids that are whole numbers",
        ),
        (
            in_an_epoch(lambda run, epoch, _: run.report_samples(loss=[1.0], ids=[epoch])),
            "epoch 2 reported val_loss of other samples than the epochs before (1 now)",
        ),
        (lambda run: [run.prepare(Net), run.report_samples(loss=[1.0], ids=[0])], "came outside of an epoch"),
    ],
)
def test_one_clear_message(tmp_path, loop, words):
    said = reason(loop, tmp_path, measures={"loss": "lower", "mae": "lower"} if "mae" in words else None)
    assert words in said
    assert "\n" not in said


def test_folds_come_through_worker_processes(tmp_path):
    two = {"executor": "process", "workers": 1, "threads": 1}
    here = one(sampled, tmp_path / "here")
    there = one(sampled, tmp_path / "there", compute=two)
    key = RunKey("dropout 0.5", 0)
    assert here.runs[key].folds == there.runs[key].folds


def hits(run):
    """The arm with dropout has one hit more, in every seed."""
    model = run.prepare(Net)
    for _ in run.epochs(1):
        with run.step():
            model(X[:8]).sum().backward()
        right = torch.arange(96) < 40 + (run.arm.name != "no dropout")
        run.report_samples(val_accuracy=right, ids=range(96))


@pytest.mark.parametrize("counted", [True, False])
def test_one_sample_is_what_a_count_resolves(tmp_path, counted):
    measures = {"accuracy": {"better": "higher", "unit": "share", "counted": counted}}
    results = droplab.compare(hits, arms=[0, 0.5], seeds=3, measures=measures, out=tmp_path / "x")
    (answer,) = results.verdict.primary.answers
    assert answer.mean == pytest.approx(1 / 96)
    said = [notice for notice in results.record.notices if notice.code == "one_sample"]
    assert said == [Notice("one_sample", detail={"what": "accuracy", "count": 96, "step": 1 / 96})][:counted]
    width = answer.high - answer.low
    if not counted:
        assert width < 1e-9
        return
    assert width == pytest.approx(2 * 4.303 / 96 / 3**0.5, rel=1e-3)
    assert answer.says == "undecided"
    assert "Accuracy counts over 96 validation samples: one of them is 0.0104" in " ".join(results.text().split())
    assert "検証サンプル96件で数えた値です" in "".join(results.text("ja").split())

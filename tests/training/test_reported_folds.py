"""Measures that are no means over samples, reported with outputs and targets: on folds as the house's loop has them."""

import functools
import pickle
from typing import NamedTuple

import numpy as np
import pytest
import torch

import droplab
from droplab.adapters.plain import PlainRun
from droplab.analysis.deployed import as_deployed
from droplab.errors import UserError
from droplab.folds import OTHERS
from droplab.records import Measure, Notice, RunKey
from droplab.tasks.regression import Regression
from droplab.training.figures import Figures
from droplab.training.foldwise import Foldwise
from droplab.training.ranks import Together
from tests.training.asking import one, reason
from tests.training.loops import Net, X, Y, trained

pytestmark = pytest.mark.usefixtures("one_thread")

R2 = {"r2": "higher"}


def r2(outputs, targets):
    return 1 - (outputs - targets).square().sum() / (targets - targets.mean()).square().sum()


def folded(run, seen=None):
    """Reports batch by batch, in another order in every epoch."""
    for epoch, model in trained(run):
        for part in torch.roll(torch.arange(96), 7 * epoch).split(20):
            out = model(X[part]).squeeze(1).double()
            run.report_folds(out, Y[part].squeeze(1).double(), ids=part, val_r2=r2)
            if seen is not None:
                seen.setdefault(epoch, torch.zeros(96, dtype=torch.float64))[part] = out.detach()


def by_the_house(outputs):
    """What the house's loop has of the same outputs."""
    foldwise = Foldwise(Regression(figures=["r2"]), 96)
    foldwise.add(outputs, Y.squeeze(1).double())
    return foldwise.pairs()


def test_folds_are_those_of_the_houses_loop_and_the_verdict_is_as_deployed(tmp_path):
    seen = {}
    loop = functools.partial(folded, seen=seen)
    results = droplab.compare(loop, arms=[0, 0.5], seeds=2, measures=R2, out=tmp_path / "x")
    (answer,) = results.verdict.primary.answers
    assert answer.kind == "deployed"
    run = results.record.runs[RunKey("dropout 0.5", 1)]
    assert run.state == "done", run.reason
    for epoch, outputs in seen.items():
        for name, wanted in by_the_house(outputs).items():
            assert np.allclose(run.folds[f"val_{name}"][epoch], wanted, rtol=1e-12, atol=0)
        assert run.metrics["val_r2"][epoch] == pytest.approx(float(r2(outputs, Y.squeeze(1).double())), rel=1e-12)
    assert set(run.folds) == {"val_r2", "val_r2" + OTHERS}
    found = as_deployed(run.folds["val_r2"], Measure("r2", "higher"), run.folds["val_r2" + OTHERS])
    assert results.record.notices == ()
    assert "as deployed" in results.text()
    assert min(run.metrics["val_r2"]) - 1 < found.value < max(run.metrics["val_r2"]) + 1


@pytest.mark.prove  # two processes begin
def test_they_come_through_worker_processes(tmp_path):
    here = one(folded, tmp_path / "here", measures=R2)
    there = one(folded, tmp_path / "there", measures=R2, compute={"executor": "process", "workers": 1, "threads": 1})
    key = RunKey("dropout 0.5", 0)
    assert here.runs[key].folds == there.runs[key].folds


def in_an_epoch(do):
    def train(run):
        run.prepare(Net)
        for epoch in run.epochs(2):
            do(run, epoch)

    return train


def test_arrays_texts_and_tables_reach_the_function_in_the_order_of_their_ids(tmp_path):
    met = []

    def same(outputs, targets):
        met.append((outputs["said"], outputs["score"], targets[0]))
        return float((outputs["said"] == targets[0]).mean())

    def loop(run, _epoch):
        for ids in (["d", "b"], ["c", "a"]):
            said = {"said": [one.upper() for one in ids], "score": torch.tensor([ord(one) - 97 for one in ids])}
            run.report_folds(
                said, (np.array(["A", "X", "C", "D"])[[ord(one) - 97 for one in ids]],), ids=ids, same=same
            )

    (run,) = one(in_an_epoch(loop), tmp_path, measures={"same": "higher"}).runs.values()
    assert run.state == "done", run.reason
    assert run.metrics["val_same"] == (0.75, 0.75)
    said, score, targets = met[0]
    assert (said.tolist(), score.tolist(), targets.tolist()) == (list("ABCD"), [0, 1, 2, 3], list("AXCD"))


def test_what_has_no_value_on_a_fold_is_said_and_judged_at_its_best(tmp_path):
    def auroc(_outputs, targets):
        if len(set(targets.tolist())) < 2:
            raise ValueError("only one class")
        return 0.5

    def loop(run, _epoch):
        run.report_folds(torch.zeros(8), torch.arange(8) == 2, ids=range(8), auroc=auroc)

    results = droplab.compare(
        in_an_epoch(loop), arms=[0, 0.5], seeds=2, measures={"auroc": "higher"}, out=tmp_path / "x"
    )
    detail = {"what": "val_auroc", "epoch": 1, "why": "ValueError: only one class"}
    assert Notice("not_on_folds", detail=detail) in results.record.notices
    assert results.verdict.primary.answers[0].kind == "best"
    assert "had no value on a part of the folds" in " ".join(results.text().split())
    assert "一部のフォールドでval_aurocの値が求まりませんでした" in "".join(results.text("ja").split())


def give(outputs=(1.0, 2.0), targets=(1.0, 2.0), ids=(0, 1), **functions):
    functions = functions or {"r2": lambda out, y: float((out == y).mean())}
    return in_an_epoch(lambda run, epoch: run.report_folds(outputs, targets, ids=ids, **functions))


def fails(_outputs, _targets):
    raise RuntimeError("not today")


def twice(*calls):
    return in_an_epoch(lambda run, epoch: [call(run) for call in calls])


@pytest.mark.parametrize(
    ("loop", "words"),
    [
        (give(ids=(0, 0)), "run.report_folds got val_r2 of the sample 0 twice in one epoch"),
        (give(ids=(0, 0.5)), "run.report_folds got ids=(0, 0.5); whole numbers or texts"),
        (give(ids=None), "run.report_folds got no ids, and it is not clear which batch is meant"),
        (give(ids=(0, 1, 2)), "got outputs=(1.0, 2.0) and 3 ids; a tensor or an array with a row for each sample"),
        (give(targets=torch.zeros(3, 2)), "got targets=a Tensor of torch.float32 and shape (3, 2) and 2 ids"),
        (give(outputs=0.5), "got outputs=0.5 and 2 ids"),
        (give(outputs=[[1], [1, 2]]), "got outputs=[[1], [1, 2]] and 2 ids"),
        (give(r2=0.5), "got r2=0.5; a function of outputs and targets is wanted: run.report_folds(outputs, targets,"),
        (give(r3=fails), "run.report_folds got r3=…; it takes measures on validation samples: val_r2. What is no mean"),
        (give(r2=fails), "the function of val_r2 raised RuntimeError: not today (at "),
        (give(r2=lambda out, y: out), "run.report_folds got val_r2=array([1., 2.])"),
        (give(r2=lambda out, y: float("nan")), "val_r2 is no longer finite (epoch 1)"),
        (in_an_epoch(lambda run, _: run.report_folds([1], [1], ids=[0])), "got no measure; a function of outputs and"),
        (in_an_epoch(lambda run, _: run.report_folds([1], ids=[0], r2=r2)), "missing 1 required positional argument"),
        (
            twice(lambda run: run.report(r2=1), lambda run: run.report_folds([1], [1], ids=[0], r2=r2)),
            "report it once, with run.report or with run.report_folds",
        ),
        (
            twice(lambda run: run.report_folds([1], [1], ids=[0], r2=r2), lambda run: run.report(r2=1)),
            "val_r2 was reported twice",
        ),
        (
            twice(
                lambda run: run.report_samples(ids=[0], r2=[1.0]),
                lambda run: run.report_folds([1], [1], ids=[0], r2=r2),
            ),
            "came by run.report_samples and by run.report_folds in epoch 1",
        ),
        (
            twice(
                lambda run: run.report_folds(torch.zeros(1, 3), [1], ids=[0], r2=r2),
                lambda run: run.report_folds(torch.zeros(1, 4), [1], ids=[1], r2=r2),
            ),
            "got outputs of val_r2 that do not go together in one epoch (RuntimeError",
        ),
        (
            twice(
                lambda run: run.report_folds({"a": [1]}, [1], ids=[0], r2=r2),
                lambda run: run.report_folds({"a": [1], "b": [1]}, [1], ids=[1], r2=r2),
            ),
            "got outputs of val_r2 that do not go together in one epoch (KeyError: 'b')",
        ),
        (
            twice(
                lambda run: run.report_folds([1], (torch.zeros(1),), ids=[0], r2=r2),
                lambda run: run.report_folds([1], (torch.zeros(1), torch.zeros(1)), ids=[1], r2=r2),
            ),
            "got targets of val_r2 that do not go together in one epoch (ValueError",
        ),
        (
            in_an_epoch(lambda run, epoch: run.report_folds([1.0], [1.0], ids=[epoch], r2=lambda out, y: 1.0)),
            "epoch 2 reported val_r2 of other samples than the epochs before (1 now)",
        ),
        (lambda run: [run.prepare(Net), run.report_folds([1], [1], ids=[0], r2=r2)], "came outside of an epoch"),
    ],
)
def test_one_clear_message(tmp_path, loop, words):
    said = reason(loop, tmp_path, measures=R2)
    assert words in said
    assert "\n" not in said


def test_ranks_send_the_figures_without_the_function():
    figures = Figures((Measure("r2", "higher"),), 0)
    figures.add_folded({"r2": lambda out, y: float(len(out))}, torch.zeros(3), torch.zeros(3), range(3))
    sent = pickle.loads(pickle.dumps(figures.settled()))  # our own
    assert sent.primary() == 3.0
    assert sent.unlike(figures) == ""
    assert len(sent.folded["val_r2"]) == 3


class Said(NamedTuple):
    score: torch.Tensor


def test_a_rank_whose_function_raises_tells_the_others(monkeypatch):
    """Which would wait for it for ever."""
    first, second = (Figures((Measure("r2", "higher"),), 0) for _ in range(2))
    first.add_folded({"r2": lambda out, y: 1.0}, torch.zeros(3), torch.zeros(3), range(3))
    second.add_folded({"r2": fails}, torch.zeros(3), torch.zeros(3), range(3))

    def broadcast(found, src, group):
        found[0] = first.settled()

    def gather(found, mine, group):
        found[:] = ["", mine]

    monkeypatch.setattr(torch.distributed, "broadcast_object_list", broadcast)
    monkeypatch.setattr(torch.distributed, "all_gather_object", gather)
    together = Together(1, 2)
    monkeypatch.setattr(together, "_made", "a group")
    with pytest.raises(UserError, match="rank 1 reports otherwise than rank 0: the function of val_r2 raised Runtime"):
        together.agreed(second)


def test_a_function_may_change_what_it_is_given():
    """In place, and named tuples keep their names."""
    figures = Figures((Measure("worst", "higher"),), 0)
    worst = lambda out, y: float((out.score.mul_(2) - y).max())  # noqa: E731
    for part in torch.arange(4.0).split(2):
        figures.add_folded({"worst": worst}, Said(part), part, part.long())
    assert figures.settled().primary() == 3.0
    (one, other), (*_, whole) = (figures.folds()[name] for name in ("val_worst", "val_worst" + OTHERS))
    assert max(one[0] / one[1], other[0] / other[1]) == whole[0] / whole[1] == 3.0


def test_a_fold_without_a_sample_has_no_value():
    """Whatever the function says of nothing."""
    figures = Figures((Measure("r2", "higher"),), 0)
    figures.add_folded({"r2": lambda out, y: float(len(out))}, torch.zeros(2), torch.zeros(2), [2, 4])
    assert figures.settled().folds() == {}
    assert figures.folded["val_r2"].why_not == "there is no sample"
    assert figures.primary() == 2.0


def test_outside_of_droplab_it_is_printed(capsys):
    run = PlainRun()
    for _ in run.epochs(1):
        for part in torch.arange(6.0).split(3):
            run.report_folds([part, part.numpy()], part.tolist(), val_r2=lambda out, y: r2(out[0], torch.from_numpy(y)))
    assert capsys.readouterr().out == "epoch 1/1: val_r2 1\n"

"""A study: cells that are run, broken off, repaired and run again."""

import gc

import pytest
import torch
from torch import nn

import droplab
from droplab.errors import LockedError
from droplab.records import RunKey
from tests.cells import Notebook
from tests.training.asking import ARMS, compared
from tests.training.loops import MEASURES, Net, X, regression

pytestmark = pytest.mark.usefixtures("one_thread")


def notebook(folder):
    return Notebook(droplab=droplab, torch=torch, nn=nn, Net=Net, X=X, out=folder)


@pytest.fixture
def cell(tmp_path):
    return notebook(tmp_path / "s")


MAKE = "study = droplab.study('s', arms=[0, 0.5], seeds={seeds}, measures={{'loss': 'lower'}}, out=out)\n"
TRAIN = """for run in study:
    with run:
        model = run.prepare(Net)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for epoch in run.epochs(3, optimizer=optimizer):
            with run.step():
                loss = model(X[:8]).square().mean()
                optimizer.zero_grad(); loss.backward(); optimizer.step()
            {do}
            run.report(val_loss=loss.item())
            seen.append((run.arm.name, run.seed, epoch))
"""


def states(space):
    return [run.state for run in space["study"].results.record.runs.values()]


def test_it_gives_the_figures_of_compare(tmp_path):
    study = droplab.study("s", arms=ARMS[1:], seeds=1, measures=MEASURES, out=tmp_path / "s")
    for run in study:
        with run:
            regression(run)
    compare = droplab.compare(regression, arms=ARMS[1:], seeds=1, measures=MEASURES, out=tmp_path / "c")
    assert compared(study.results.record) == compared(compare.record)
    assert study.verdict.recommended == compare.verdict.recommended
    assert not study.results.record.notices


def test_an_exception_fails_its_run_and_the_next_goes_on(cell, capsys):
    space = cell("seen = []\n" + MAKE.format(seeds=2) + TRAIN.format(do="assert run.arm.p or run.seed, 'no luck'"))
    assert states(space) == ["failed", "done", "done", "done"]
    (reason, *_) = [run.reason for run in space["study"].results.record.runs.values()]
    assert reason.startswith("AssertionError: no luck (at <cell")
    told = capsys.readouterr().err
    assert "no dropout · seed 0 failed, the next one goes on" in told
    assert "AssertionError: no luck" in told
    assert len(told.splitlines()) < 8


@pytest.mark.parametrize("how", ["break", "raise KeyboardInterrupt"])
def test_what_is_left_is_continued_by_the_same_cell(cell, how):
    whole = notebook(cell.space["out"].with_name("whole"))("seen = []\n" + MAKE.format(seeds=1) + TRAIN.format(do=""))
    do = f"if left and (run.arm.p, epoch) == (0.5, 1): left.clear(); {how}"
    end = "        if not (left or ended):\n            ended.append(1); break\n" if how == "break" else ""
    again = MAKE.format(seeds=1) + TRAIN.format(do=do) + end
    cell("seen, left, ended = [], [1], []")
    if how == "break":
        cell(again)
    else:
        with pytest.raises(KeyboardInterrupt):
            cell(again)
    assert states(cell.space) == ["done", "interrupted"]
    before = list(cell.space["seen"])
    cell(again)
    assert states(cell.space) == ["done", "done"]
    assert compared(cell.space["study"].results.record) == compared(whole["study"].results.record)
    assert before + [("dropout 0.5", 0, epoch) for epoch in (1, 2)] == cell.space["seen"]


def test_a_cell_run_again_trains_nothing_and_more_seeds_are_added(cell):
    cell("seen = []\n" + MAKE.format(seeds=1))
    cell(TRAIN.format(do=""))
    cell(TRAIN.format(do="  # a comment is no other code"))
    assert len(cell.space["seen"]) == 6
    cell(MAKE.format(seeds=2))
    cell(TRAIN.format(do=""))
    assert len(cell.space["seen"]) == len(set(cell.space["seen"])) == 12


def test_other_code_is_refused_or_accepted_and_said(cell):
    cell("seen = []\n" + MAKE.format(seeds=1) + TRAIN.format(do="if run.arm.p: break"))
    assert states(cell.space) == ["done", "failed"]
    with pytest.raises(droplab.UserError, match=r"the code of the loop .*is not what .* accept_changed_code=True"):
        cell(TRAIN.format(do=""))
    cell(MAKE.format(seeds=1).replace("out=out", "out=out, accept_changed_code=True") + TRAIN.format(do=""))
    assert states(cell.space) == ["done", "done"]
    assert "code_changed" in {notice.code for notice in cell.space["study"].results.record.notices}


def test_code_that_cannot_be_read_is_said(tmp_path):
    space = {"droplab": droplab, "torch": torch, "Net": Net, "X": X, "seen": [], "out": tmp_path / "s"}
    exec(compile(MAKE.format(seeds=1) + TRAIN.format(do=""), "<stdin>", "exec"), space)
    assert "code_unknown" in {notice.code for notice in space["study"].results.record.notices}


def test_the_folder_is_held_while_the_iteration_lasts(tmp_path):
    def make():
        return droplab.study("s", arms=[0], seeds=2, measures={"loss": "lower"}, out=tmp_path / "s")

    study = make()
    held = iter(study)
    next(held)
    with pytest.raises(droplab.UserError, match="'s' is under way in this process"):
        iter(study)
    with pytest.raises(droplab.UserError, match="do not nest studies"):
        iter(make())
    with pytest.raises(LockedError):
        droplab.compare(regression, arms=[0], seeds=1, measures=MEASURES, out=tmp_path / "s")
    del held
    gc.collect()
    assert next(iter(make())).seed == 0


def one(tmp_path, **options):
    return droplab.study("s", arms=[0.5], seeds=2, measures={"loss": "lower"}, out=tmp_path / "s", **options)


def without_with(study):
    for run in study:
        run.prepare(Net)


def never_opened(study):
    for _ in study:
        pass


def used_afterwards(study):
    for run in study:
        with run:
            run.prepare(Net)
        run.report(val_loss=1.0)


def opened_twice(study):
    for run in study:
        for _ in range(2):
            with run:
                pass


def two_at_once(study):
    runs = iter(study)
    with next(runs):
        next(runs)


@pytest.mark.parametrize(
    ("do", "words"),
    [
        (without_with, r"run\.prepare was used before its `with` block; .*below it `with run:`"),
        (never_opened, r"was never opened, so nothing was trained; write it as `for run in study:`"),
        (used_afterwards, r"run\.report was used after its `with` block has ended"),
        (opened_twice, "each run has one `with run:`"),
        (two_at_once, "asked for within the `with` block"),
    ],
)
def test_what_is_misused_is_refused_with_the_line_to_write(tmp_path, do, words):
    study = one(tmp_path)
    with pytest.raises(droplab.UserError, match=words):
        do(study)
    assert "done" not in {run.state for run in study.results.record.runs.values()}
    assert next(iter(study)).seed == 0  # nothing is held


def test_a_loop_that_reports_nothing_fails_and_says_so(tmp_path, capsys):
    study = one(tmp_path)
    for run in study:
        with run:
            run.prepare(Net)
    assert [run.state for run in study.results.record.runs.values()] == ["failed", "failed"]
    assert "never reported anything" in capsys.readouterr().err


def test_a_run_that_stops_early_is_done_and_generators_are_given_back(tmp_path):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    study = one(tmp_path)
    for run in study:
        with run:
            run.prepare(Net)
            for epoch in run.epochs(4):
                run.report(val_loss=1.0)
                if epoch == 1:
                    break
    assert torch.equal(before, torch.get_rng_state())
    record = study.results.record
    assert {run.epochs_done for run in record.runs.values()} == {2}
    assert [run.state for run in record.runs.values()] == ["done", "done"]
    assert record.runs[RunKey("dropout 0.5", 1)].state == "done"


def test_there_is_no_result_before_there_is_one(tmp_path):
    with pytest.raises(droplab.UserError, match="no results yet"):
        _ = one(tmp_path).results
    with pytest.raises(droplab.UserError, match=r"one run at a time; droplab\.compare"):
        one(tmp_path, compute={"executor": "process"})

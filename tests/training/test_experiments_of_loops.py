"""Experiments on loops: their epochs, their folders, their code, and stops."""

import os
import signal

import pytest

import droplab
from droplab.errors import FailureError
from tests.training.asking import one, short
from tests.training.loops import Net, X

pytestmark = pytest.mark.usefixtures("one_thread")


def test_runs_that_ask_for_other_epochs_fail_and_the_others_go_on(tmp_path):
    def train(run):
        run.prepare(Net)
        for _ in run.epochs(3 if run.arm.p else 2):
            run.report(val_loss=0.5)

    record = one(train, tmp_path, arms=[0, 0.5])
    assert [run.state for run in record.runs.values()] == ["done", "failed"]
    assert "asks for 3 epochs, and the experiment has 2 epochs" in list(record.runs.values())[1].reason


def test_the_experiments_own_number_of_epochs(tmp_path):
    def train(run):
        run.prepare(Net)
        for _ in run.epochs():
            run.report(val_loss=0.5)

    record = one(train, tmp_path, epochs=3)
    assert [run.epochs_done for run in record.runs.values()] == [3]


def test_a_second_interrupt_leaves_it_continuable(tmp_path):
    again = [True]

    def train(run):
        if again.pop() if again else False:
            raise KeyboardInterrupt
        short(run)

    with pytest.raises(KeyboardInterrupt):
        one(train, tmp_path)
    assert [run.state for run in one(train, tmp_path).runs.values()] == ["done"]


def test_another_loop_or_other_measures_in_a_folder(tmp_path):
    one(short, tmp_path)

    def other(run):
        short(run)

    for change, words in (
        ({"loop": other}, "loop: 'tests.training.asking:short' there"),
        ({"measures": {"loss": "higher"}}, "measures: "),
        ({"arms": [{"name": "dropout 0.5", "p": 0.4}]}, "the arm 'dropout 0.5' is "),
        ({"arms": [0.3, 0.5]}, "baseline: 'dropout 0.5' there, 'dropout 0.3' here"),
    ):
        options = {"arms": [0.5], "measures": {"loss": "lower"}, "loop": short, **change}
        with pytest.raises(droplab.UserError) as caught:
            droplab.compare(options.pop("loop"), seeds=1, out=tmp_path / "one", **options)
        assert words in str(caught.value)


def test_other_code_of_a_local_loop_is_refused_unless_accepted(tmp_path):
    def make(value):
        def train(run):
            run.prepare(Net)
            for _ in run.epochs(1):
                run.report(val_loss=value)

        return train

    droplab.compare(make(0.5), arms=[0], seeds=1, out=tmp_path / "c")
    with pytest.raises(droplab.UserError, match="the code of the loop"):
        droplab.compare(make(0.25), arms=[0], seeds=2, out=tmp_path / "c")
    record = droplab.compare(make(0.25), arms=[0], seeds=2, out=tmp_path / "c", accept_changed_code=True).record
    assert [run.metrics["val_loss"] for run in record.runs.values()] == [(0.5,), (0.25,)]
    assert "code_changed" in {notice.code for notice in record.notices}


def test_house_only_and_loop_only_options(tmp_path):
    with pytest.raises(droplab.UserError, match="model: a loop of your own brings"):
        droplab.compare(short, model="tutorial-cnn")
    with pytest.raises(droplab.UserError, match="measures: for a training loop of your own"):
        droplab.compare({"recipe": {"epochs": 1}}, measures={"loss": "lower"})
    with pytest.raises(droplab.UserError, match=r"arms: got 0\.5; a list of arms"):
        droplab.compare(short, arms=0.5)
    with pytest.raises(droplab.UserError, match="unknown key"):
        droplab.compare({"loop": "a:b", "epohcs": 3})


def test_what_needs_droplabs_own_data_says_so(tmp_path):
    one(short, tmp_path)
    results = droplab.Results.read(tmp_path / "one")
    with pytest.raises(droplab.UserError, match="a loop of its own"):
        droplab.final_evaluation(results.runs[0])


def test_a_stop_leaves_whole_epochs_and_an_error(tmp_path, monkeypatch):
    def train(run):
        model = run.prepare(Net)
        for epoch in run.epochs(3):
            if epoch == 1 and not stopped:
                stopped.append(1)
                os.kill(os.getpid(), signal.SIGINT)
            with run.step():
                model(X).sum().backward()
            run.report(val_loss=0.5)

    stopped = []
    with pytest.raises(FailureError, match="0 of 1 runs are done and 1 epoch is kept"):
        one(train, tmp_path)
    assert [run.state for run in one(train, tmp_path).runs.values()] == ["done"]

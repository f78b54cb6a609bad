"""What a loop gets wrong is one clear message, and nothing is lost."""

import pytest
import torch
from torch import nn

from droplab.records import Notice
from tests.training.asking import one, reason, short
from tests.training.loops import MEASURES, Net, X, gan

pytestmark = pytest.mark.usefixtures("one_thread")


def in_an_epoch(do):
    def train(run):
        model = run.prepare(Net)
        for _ in run.epochs(2):
            do(run, model)

    return train


@pytest.mark.parametrize(
    ("loop", "words"),
    [
        (lambda run: None, "never reported anything; call run.report(val_loss=…)"),
        (lambda run: run.prepare(Net) and None, "never reported anything"),
        (in_an_epoch(lambda run, model: None), "ended its first epoch without a report; call run.report(val_loss=…)"),
        (in_an_epoch(lambda run, model: run.report(fit_loss=1.0)), "epoch 1 ended and only fit_loss was reported"),
        (in_an_epoch(lambda run, model: run.report(val_los=1.0)), "did you mean 'val_loss'?"),
        (in_an_epoch(lambda run, model: run.report(val_loss="0.5")), "val_loss='0.5', a str; a number or a tensor"),
        (in_an_epoch(lambda run, model: run.report(val_loss=True)), "a bool"),
        (in_an_epoch(lambda run, model: run.report(val_loss=torch.ones(2))), "of shape (2,)"),
        (in_an_epoch(lambda run, model: run.report(val_loss=model(X).sum())), "a tensor with a gradient"),
        (in_an_epoch(lambda run, model: [run.report(val_loss=1.0) for _ in "ab"]), "val_loss was reported twice"),
        (in_an_epoch(lambda run, model: run.report(val_loss=float("nan"))), "val_loss is no longer finite (epoch 1)"),
        (in_an_epoch(lambda run, model: run.prepare(Net, "late")), "run.prepare comes before run.epochs"),
        (lambda run: [run.prepare(Net), run.prepare(Net)], "a model called 'model' already; give this one a name"),
        (lambda run: run.prepare(Net, "a b"), "name='a b'"),
        (lambda run: run.prepare(3), "got 3, a int"),
        (lambda run: run.prepare(lambda: 3), "got 3; a torch module is wanted"),
        (lambda run: run.prepare(lambda: 1 / 0), "building the model raised ZeroDivisionError"),
        (lambda run: run.prepare(nn.Linear, "x"), "prepare(lambda: MyNet(width=64)) gives it some"),
        (lambda run: [*run.epochs(2)], "no model was prepared"),
        (lambda run: [run.prepare(Net), next(run.epochs(2))], "returned before its first epoch was whole"),
        (lambda run: [run.prepare(Net), *run.epochs()], "run.epochs got no number"),
        (lambda run: [run.prepare(Net), *run.epochs(0)], "run.epochs got 0"),
        (lambda run: [run.prepare(Net), *run.epochs(2, thing=object())], "thing is a object"),
        (lambda run: run.keep(thing=object()), "thing is a object"),
        (lambda run: run.loader(X, batch_size=2, sampler=[1]), "got sampler=…"),
        (lambda run: run.loader(3, batch_size=2), "got a int, 3"),
        (lambda run: run.loader(X, batch_size=None), "got batch_size=None"),
        (lambda run: run.loader([], batch_size=2), "got a list without samples"),
        (in_an_epoch(lambda run, model: run.report({"loss": 1.0})), "without a name; name each figure"),
        (in_an_epoch(lambda run, model: run.report_samples([1.0], ids=[0])), "run.report_samples got [1.0] without"),
        (in_an_epoch(lambda run, model: run.report_samples(loss=[], ids=[])), "finite (epoch 1): of no samples."),
        (lambda run: [run.prepare(Net), run.report(val_loss=1.0), *run.epochs(2)], "run.report came before run.epochs"),
        (lambda run: [run.prepare(Net), *run.epochs(2, steps_per_epoch="3")], "steps_per_epoch='3'; a number of steps"),
        (lambda run: 1 / 0, "ZeroDivisionError: division by zero (at "),
    ],
)
def test_one_clear_message(tmp_path, loop, words):
    said = reason(loop, tmp_path)
    assert words in said
    assert "\n" not in said


def test_a_site_that_no_model_has_is_said_with_those_there_are(tmp_path):
    assert "'nowhere.*' matches nothing" in reason(short, tmp_path, arms=[{"nowhere.*": 0.5}])
    assert "matches nothing" in reason(gan, tmp_path / "2", arms=[{"critic.*": 0.1, "nowhere.*": 0.5}])

    def train(run):
        short(run, run.prepare(lambda: nn.Linear(4, 1)))

    assert "matches nothing" in reason(train, tmp_path / "3", arms=[0.5])


def test_returning_early_is_recorded(tmp_path):
    def train(run):
        model = run.prepare(Net)
        for epoch in run.epochs(4):
            with run.step():
                model(X)
            run.report(val_loss=0.5)
            if epoch == 1:
                break

    record = one(train, tmp_path)
    assert [(run.state, run.epochs_done) for run in record.runs.values()] == [("done", 2)]
    assert Notice("ended_early", "dropout 0.5", {"seed": 0, "done": 2, "epochs": 4}) in record.notices


def test_other_measures_may_be_nan(tmp_path):
    def train(run):
        run.prepare(Net)
        for _ in run.epochs(1):
            run.report(loss=0.5, mae=float("nan"))

    record = one(train, tmp_path, measures=MEASURES)
    (run,) = record.runs.values()
    assert run.state == "done"
    assert run.metrics["val_mae"][0] != run.metrics["val_mae"][0]


def test_a_state_that_does_not_come_back_is_refused_after_the_first_epoch(tmp_path):
    class Forgetful:
        def state_dict(self):
            return {"a": 1}

        def load_state_dict(self, state):
            raise KeyError("b")

    def train(run):
        run.prepare(Net)
        for _ in run.epochs(3, thing=Forgetful()):
            run.report(val_loss=0.5)

    assert "thing, a Forgetful, does not take back the state it gave" in reason(train, tmp_path)


def test_a_loop_without_steps_says_so_and_cannot_move_a_rate_from_step_to_step(tmp_path):
    def train(run):
        run.prepare(Net)
        for _ in run.epochs(2):
            run.report(val_loss=0.5)

    record = one(train, tmp_path, arms=[0.5, {"name": "ramp", "p": 0.5, "schedule": "linear"}])
    assert [notice.code for notice in record.notices] == ["no_steps"]
    still, ramp = record.runs.values()
    assert (still.state, ramp.state) == ("done", "failed")
    assert "put `with run.step():` around" in ramp.reason


def test_an_arm_by_sites_says_what_stays_as_it_is_written(tmp_path):
    def train(run):
        model = run.prepare(lambda: nn.Sequential(Net(), nn.Dropout(0.5)))
        short(run, model)

    record = one(train, tmp_path, arms=[0.5, {"0.drop": 0.1}, {"0.drop": 0.1, "1": 0}, {}])
    found = [(notice.arm, notice.detail) for notice in record.notices if notice.code == "left_as_written"]
    assert found == [("0.drop 0.1", {"sites": "1 0.5"})]

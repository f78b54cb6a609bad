"""A run as a loop sees it: what is drawn, kept, named and refused."""

import functools
import os
import signal
from contextlib import suppress

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

import droplab
from droplab.errors import FailureError
from droplab.records import Notice, RunKey
from tests.training.loops import MEASURES, TRAIN, Net, X, Y, figures, gan, regression

pytestmark = pytest.mark.usefixtures("one_thread")
ARMS = [0, 0.5, {"name": "ramp", "p": 0.5, "schedule": "linear"}]
WITHOUT_CLOCK = {"seconds", "images_per_second"}


def compared(record):
    """All figures but those of the clock."""
    return {
        key: {name: values for name, values in run.metrics.items() if name not in WITHOUT_CLOCK}
        for key, run in record.runs.items()
    }


def one(loop, tmp_path, arms=(0.5,), measures=None, **options):
    """The record of an experiment of one seed."""
    return droplab.compare(
        loop, arms=list(arms), seeds=1, measures=measures or {"loss": "lower"}, out=tmp_path / "one", **options
    ).record


def reason(loop, tmp_path, **options):
    """Why its only run failed."""
    record = one(loop, tmp_path, **options)
    (run,) = record.runs.values()
    assert run.state == "failed"
    return run.reason


def short(run, model=None):
    """The rest of a loop that only has to end well."""
    model = model or run.prepare(Net)
    for _ in run.epochs(1):
        with run.step():
            model(X[:8]).sum().backward()
        run.report(val_loss=0.5)


# continuing --------------------------------------------------------------------------------------


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


# models and arms ---------------------------------------------------------------------------------


def test_two_models_of_a_gan(tmp_path):
    arms = [0, 0.5, {"critic.*": 0.3}, {"name": "doorway", "p": {"generator.first:in": 0.2, "critic.drop": 0.1}}]
    record = droplab.compare(gan, arms=arms, seeds=2, out=tmp_path / "gan").record
    assert {run.state for run in record.runs.values()} == {"done"}, [run.reason for run in record.runs.values()]
    rates = {
        arm: {name: values[-1] for name, values in record.runs[RunKey(arm, 0)].metrics.items() if name.startswith("p/")}
        for arm in record.arms
    }
    assert rates == {
        "no dropout": {"p/generator.drop": 0.0, "p/critic.drop": 0.0},
        "dropout 0.5": {"p/generator.drop": 0.5, "p/critic.drop": 0.5},
        "critic.* 0.3": {"p/generator.drop": 0.0, "p/critic.drop": 0.3},
        "doorway": {"p/generator.drop": 0.0, "p/critic.drop": 0.1, "p/generator.first:in": 0.2},
    }
    assert not record.notices


def test_weights_are_of_the_seed_and_not_of_the_arm(tmp_path):
    seen = {}

    def train(run):
        model = run.prepare(Net)
        seen[run.arm.name, run.seed] = model.last.weight.detach().clone()
        short(run, model)

    droplab.compare(
        train, arms=[0, {"p": {"first": 0.3}, "kind": "standout"}, {"first:out": 0.2}], seeds=2, out=tmp_path / "w"
    )
    by_seed = [[value for (_, seed), value in seen.items() if seed == wanted] for wanted in (0, 1)]
    for values in by_seed:
        assert all(torch.equal(value, values[0]) for value in values)
    assert not torch.equal(by_seed[0][0], by_seed[1][0])


def test_a_ready_model_is_copied_and_said(tmp_path):
    ready = Net()
    before = ready.last.weight.detach().clone()

    def train(run):
        model = run.prepare(ready)
        assert model is not ready
        assert torch.equal(model.last.weight, before)
        with torch.no_grad():
            model.last.weight.zero_()
        short(run, model)

    record = droplab.compare(train, arms=[0, 0.5], seeds=2, out=tmp_path / "r").record
    assert {run.state for run in record.runs.values()} == {"done"}, [run.reason for run in record.runs.values()]
    assert torch.equal(ready.last.weight, before)
    assert "weights_same" in {notice.code for notice in record.notices}


def test_what_is_not_paired_is_said(tmp_path):
    def train(run):
        offset = 100 if run.arm.p else 0
        model = run.prepare(lambda: Net() if run.arm.p else nn.Sequential(nn.Linear(4, 1), nn.Dropout(0.0)))
        loader = run.loader([X[number] + offset for number in range(32)], batch_size=8)
        for _ in run.epochs(1):
            for x in loader:
                with run.step():
                    model(x).sum().backward()
            run.report(val_loss=0.5)

    record = droplab.compare(train, arms=[0, 0.5], seeds=1, out=tmp_path / "u").record
    assert {notice.code for notice in record.notices} == {"weights_differ", "batches_differ"}


def test_adaptive_schedules_hear_of_a_guests_measures_or_say_what_is_missing(tmp_path):
    arm = {"name": "held", "p": 0.1, "schedule": {"name": "adaptive-gap", "target": 0.01}}
    assert "missing: ['gap']. The loop's figures are val_loss, p/drop; gap is among" in reason(
        short, tmp_path, arms=[arm]
    )
    assert len(one(regression, tmp_path / "2", arms=[arm], measures=MEASURES).runs) == 1


def test_modes_are_as_they_were_when_an_epoch_begins(tmp_path):
    def train(run):
        model = run.prepare(Net)
        teacher = run.prepare(Net, "teacher").eval()
        for _ in run.epochs(2):
            assert model.drop.training
            assert not teacher.drop.training
            with run.step():
                model(X).sum().backward()
            model.eval()
            run.report(val_loss=0.5)

    assert [run.state for run in one(train, tmp_path).runs.values()] == ["done"]


# samples -----------------------------------------------------------------------------------------


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


# bad input ---------------------------------------------------------------------------------------


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
        ({"loop": other}, "loop: 'tests.training.test_door:short' there"),
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
        results.model("dropout 0.5", 0)
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

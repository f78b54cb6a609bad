"""Models of finished runs of loops, and their test sets."""

import pytest
import torch

import droplab
from droplab.records import RunKey
from tests.training.asking import one, short
from tests.training.loops import MEASURES, Net, X, figures, gan, regression

pytestmark = pytest.mark.usefixtures("one_thread")
RAMP = {"name": "ramp", "p": 0.5, "schedule": "linear"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return droplab.compare(
        regression, arms=[0, RAMP], seeds=1, measures=MEASURES, out=tmp_path_factory.mktemp("trained") / "t"
    )


def test_the_model_is_the_runs(trained):
    before = torch.random.get_rng_state()
    model = trained.model("ramp", 0)
    assert torch.equal(before, torch.random.get_rng_state())
    last = {name: series[-1] for name, series in trained.record.runs[RunKey("ramp", 0)].metrics.items()}
    assert not model.training
    assert model.drop.p == last["p/drop"] > 0
    found = figures(model)
    assert (float(found["val_loss"]), float(found["mae"])) == (last["val_loss"], last["val_mae"])
    assert trained.record == droplab.Results.read(trained.folder).record


def test_models_by_name_and_a_loop_that_is_given(tmp_path):
    def train(run):
        gan(run)

    results = droplab.compare(train, arms=[{"critic.*": 0.3}], seeds=1, out=tmp_path / "g")
    with pytest.raises(droplab.UserError, match="Or give the loop itself: loop=train"):
        results.model("critic.* 0.3", 0)
    critic = results.model("critic.* 0.3", 0, loop=gan, name="critic")
    assert (critic.first.in_features, critic.drop.p) == (4, 0.3)
    with pytest.raises(droplab.UserError, match="no model 'model'; it prepares 'generator', 'critic'"):
        results.model("critic.* 0.3", 0, loop=gan)


def test_one_that_returned_early(tmp_path):
    def train(run):
        model = run.prepare(Net)
        for epoch in run.epochs(4):
            with torch.no_grad():
                model.last.bias.fill_(float(epoch + 1))
            run.report(val_loss=0.5)
            if epoch == 1:
                break

    results = droplab.compare(train, arms=[0], seeds=1, out=tmp_path / "e")
    assert results.record.runs[RunKey("no dropout", 0)].epochs_done == 2
    assert results.model("no dropout", 0, loop=train).last.bias.item() == 2.0


def test_what_cannot_be_built_again(tmp_path):
    def alone(run):
        run.prepare(Net)
        run.report(val_loss=0.5)

    results = droplab.compare(alone, arms=[0], seeds=1, out=tmp_path / "a")
    with pytest.raises(droplab.UserError, match=r"has no run\.epochs, so that no weights were kept"):
        results.model("no dropout", 0, loop=alone)
    results = droplab.compare(short, arms=[0], seeds=1, out=tmp_path / "s")
    with pytest.raises(droplab.UserError, match=r"ended without run\.epochs; is it another one now"):
        results.model("no dropout", 0, loop=alone)
    with pytest.raises(droplab.UserError, match="has no arm 'nowhere'"):
        results.model("nowhere", 0)

    def failing(run):
        raise OSError

    one(failing, tmp_path / "f")
    with pytest.raises(droplab.UserError, match="is not done"):
        droplab.Results.read(tmp_path / "f" / "one").model("dropout 0.5", 0)


def test_the_test_set_opens_through_one_door_that_counts(trained, tmp_path):
    results = droplab.compare(short, arms=[0, 0.5], seeds=1, out=tmp_path / "t")
    seen = []

    def test(model):
        seen.append(model)
        return {"mse": model(X).detach().square().mean()}

    first = results.final_figures("no dropout", 0, test)
    assert (first.run, first.openings) == (RunKey("no dropout", 0), 1)
    assert first.figures == {"mse": float(test(seen[0])["mse"])}
    for wrong, words in ((lambda model: 0.5, "test returned 0.5; a dict"), (lambda model: {"a": "b"}, "a='b'")):
        with pytest.raises(droplab.UserError, match=words):
            results.final_figures("dropout 0.5", 0, wrong)
    record = droplab.Results.read(results.folder).record
    assert record.test_openings == 3
    assert [event.detail for event in record.events if event.kind == "test set result"] == [dict(first.figures)]

"""Figures that are no measures: kept beside them, and no question is asked of them."""

import re

import numpy as np
import pytest
import torch

import droplab
from droplab.records import RunKey
from tests.training.asking import one, reason
from tests.training.loops import Net, X

pytestmark = pytest.mark.usefixtures("one_thread")


def trained(log, epochs=2):
    def loop(run):
        model = run.prepare(Net)
        for epoch in run.epochs(epochs):
            for number in range(2):
                with run.step():
                    model(X[:8]).sum().backward()
                log(run, epoch, number)
            run.report(val_loss=1.0 - 0.1 * epoch)

    return loop


def test_they_are_beside_the_measures_and_a_later_value_counts(tmp_path):
    def log(run, epoch, number):
        run.log({"norm/first": torch.tensor(epoch + 0.5)}, lr=np.float64(number))
        run.log(odd=float("nan"))

    record = one(trained(log), tmp_path)
    metrics = record.runs[RunKey("dropout 0.5", 0)].metrics
    assert (metrics["norm/first"], metrics["lr"]) == ((0.5, 1.5), (1.0, 1.0))
    assert np.isnan(metrics["odd"]).all()
    assert [measure.name for measure in record.measures] == ["loss"]
    results = droplab.Results.read(tmp_path / "one")
    assert list(results.to_pandas()["norm/first"]) == [0.5, 1.5]
    assert "norm/first" in results.write_page().read_text(encoding="utf-8")


def test_an_adaptive_schedule_may_read_them_no_more_than_measures(tmp_path):
    """What is reported decides; a logged figure of the same epoch changes no rate."""
    arms = [{"name": "held", "p": 0.3, "schedule": {"name": "adaptive-slope", "window": 2}}]
    rates = []
    for place, log in enumerate((lambda *_: None, lambda run, *_: run.log(noise=5.0))):
        record = one(trained(log, epochs=4), tmp_path / str(place), arms=arms)
        rates.append(record.runs[RunKey("held", 0)].metrics["p/drop"])
    assert rates[0] == rates[1]
    assert len(rates[0]) == 4


def test_without_epochs_they_go_with_the_next_report(tmp_path):
    def loop(run):
        run.prepare(Net)
        for epoch in range(2):
            run.log(lr=0.1 * epoch)
            run.report(val_loss=0.5)
        run.log(late=1.0)

    (run,) = one(loop, tmp_path).runs.values()
    assert run.metrics["lr"] == (0.0, 0.1)
    assert "late" not in run.metrics


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"val_loss": 0.5}, r"run\.log got val_loss=0\.5, and loss is a measure; run\.report it"),
        ({"loss": 0.5}, "loss is a measure"),
        ({"p/drop": 0.5}, r"the name 'p/drop'.* gap, seconds, images_per_second, p/…, site_norm/…"),
        ({"gap": 0.5}, "the name 'gap'"),
        ({3: 0.5}, "the name 3; a text"),
        ({"": 0.5}, "the name ''"),
        ({"lr": "0.1"}, r"run\.log got lr='0\.1', a str; a number"),
        ({"lr": torch.ones(2)}, r"run\.log got lr as a torch\.float32 tensor of shape \(2,\)"),
        ({"lr": torch.ones(()).requires_grad_()}, r"with a gradient.*log lr\.item\(\)"),
    ],
)
def test_what_is_refused(tmp_path, figures, words):
    assert re.search(words, reason(trained(lambda run, *_: run.log(figures)), tmp_path))


def test_after_the_last_epoch(tmp_path):
    def loop(run):
        trained(lambda *_: None)(run)
        run.log(lr=1.0)

    assert "run.log came after the last epoch" in reason(loop, tmp_path)

"""Arms that name places by what they are: ``@before_head``, ``blocks.*:branch``."""

from __future__ import annotations

import pytest

import droplab
from droplab.execution.carrying import packed, unpacked
from droplab.surgery import match_sites
from tests.training.loops import TRAIN, Net, X

pytestmark = pytest.mark.usefixtures("one_thread")
ARMS = [0, {"@before_head": 0.5}, {"name": "ramp", "p": {"@after_activations": 0.5}, "schedule": "linear"}]


def known():
    model = Net()
    droplab.sites(model, X[:2])
    return model


def loop(make, name="model"):
    def train(run):
        model = run.prepare(make, name)
        loader = run.loader(TRAIN, batch_size=32)
        for _ in run.epochs(2):
            for x, _ in loader:
                with run.step():
                    model(x).sum().backward()
            run.report(val_loss=0.5)

    return train


@pytest.mark.parametrize("made", [known, known()], ids=["function", "module"])
@pytest.mark.parametrize("name", ["model", "net"])
def test_a_guests_arms_name_presets(made, name, tmp_path):
    record = droplab.compare(loop(made, name), arms=ARMS, seeds=1, measures={"loss": "lower"}, out=tmp_path).record
    site = "p/last:in" if name == "model" else "p/net.last:in"
    rates = {key.arm: run.metrics.get(site) for key, run in record.runs.items()}
    assert rates["@before_head 0.5"] == (0.5, 0.5)
    assert rates["ramp"][0] < rates["ramp"][1]
    assert rates["no dropout"] is None


def test_a_model_of_which_no_forward_pass_is_known_says_what_to_do(tmp_path):
    record = droplab.compare(
        loop(Net), arms=[0, {"@before_head": 0.5}], seeds=1, measures={"loss": "lower"}, out=tmp_path
    ).record
    reasons = [run.reason for run in record.runs.values() if run.state == "failed"]
    assert len(reasons) == 1
    assert "call droplab.sites(model, x) once before" in reasons[0]


def test_what_a_module_is_called_with_goes_to_worker_processes():
    model = known()
    there = unpacked("__main__:<lambda>", packed("__main__:<lambda>", lambda run: run.prepare(model)))
    assert match_sites(there(Preparing()), "@before_head") == ("last:in",)


class Preparing:
    def prepare(self, made):
        return made

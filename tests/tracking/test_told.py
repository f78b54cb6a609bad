"""The verdict of a real experiment in the runs that droplab mirrors: same words, same numbers as the page's."""

from __future__ import annotations

import json
import shutil
import warnings
from types import SimpleNamespace

import pytest

import droplab
from droplab.cli import main
from droplab.comparison import Results
from droplab.ledger import FILE_NAME, open_experiment
from droplab.listener import Listener
from droplab.report import rows
from droplab.tracking import mirror, sink_runs
from droplab.tracking.follow import _as_trained
from droplab.tracking.hparams import columns
from tests.conftest import tiny
from tests.tracking import offline_wandb
from tests.tracking import test_sinks as sinks

pytestmark = pytest.mark.filterwarnings("ignore:.*loader strategy is deprecated", "ignore::DeprecationWarning")


@pytest.fixture
def copied(finished, tmp_path) -> Results:
    """A real experiment in a folder of its own."""
    shutil.copy(finished.folder / FILE_NAME, tmp_path / FILE_NAME)
    return Results.read(tmp_path)


def runs_of(results: Results) -> dict:
    with open_experiment(results.folder) as ledger:
        return sink_runs(ledger)


def notes_in_wandb(results, run) -> str:
    (place,) = (results.folder / "tracking" / "wandb" / "wandb").glob(f"offline-run-*-{run.id}")
    return offline_wandb.read(place)[3].notes


PLACES = {
    "wandb": (sinks.TestWandb, notes_in_wandb),
    "mlflow": (
        sinks.TestMlflow,
        lambda results, run: sinks.in_mlflow(results.folder, run)[1].data.tags["mlflow.note.content"],
    ),
    "tensorboard": (
        sinks.TestTensorboard,
        lambda results, run: sinks.said(sinks.read_events(results.folder, run), "droplab/report"),
    ),
}
"""How each is read back, and where its description is."""


@pytest.mark.parametrize("name", PLACES)
def test_runs_have_the_pages_intervals_and_descriptions_begin_with_the_decision(copied, monkeypatch, name):
    monkeypatch.setenv("WANDB_MODE", "offline")
    warnings.filterwarnings("ignore", module="wandb")
    told, (contract, description) = copied.conclusion("ja"), PLACES[name]
    mirror(copied.folder, name, told)
    (answer,) = copied.verdict.primary.answers
    for place, (key, run) in enumerate(runs_of(copied).items()):
        found = contract().read_verdict(copied.folder, run)
        if key.arm == copied.record.baseline:
            assert found == {"verdict": "baseline", "recommended": copied.verdict.recommended}
        else:
            assert (found["difference"], found["low"], found["high"]) == (answer.mean, answer.low, answer.high)
            assert (found["verdict"], found["endpoint"]) == (answer.says, copied.verdict.primary.end.name)
        if not place:
            described = description(copied, run)
            assert described.startswith(told.advice[:20])
            assert rows(copied.verdict, copied.record, "markdown", "ja") in described
            assert name != "tensorboard" or copied.text("ja") in described


def test_hyperparameters_are_what_differs_beside_the_last_measures_and_there_is_no_other_run(copied):
    from tensorboard.plugins.hparams import plugin_data_pb2

    mirror(copied.folder, "tensorboard", copied.conclusion())
    home = copied.folder / "tracking" / "tensorboard"
    found = runs_of(copied)
    assert len({file.parent for file in home.rglob("*tfevents*")}) == len(found)
    for place, run in enumerate(found.values()):
        events = sinks.read_events(copied.folder, run)
        held = {
            tag.rpartition("/")[2]: plugin_data_pb2.HParamsPluginData.FromString(meta.plugin_data.content)
            for tag, meta in events.summary_metadata.items()
            if meta.plugin_data.plugin_name == "hparams"
        }
        given = held["session_start_info"].session_start_info.hparams
        assert given["arm.name"].string_value == run.key.arm
        assert given["arm.p"].number_value == run.config["arm"]["p"]
        assert given["seed"].number_value == run.key.seed
        assert held["session_end_info"].session_end_info.status == 1
        assert ("experiment" in held) == (place == 0)
        if place == 0:
            table = held["experiment"].experiment
            assert {one.name for one in table.hparam_infos} == given.keys() == {"arm.name", "arm.p", "seed"}
            shown = [one.name.tag for one in table.metric_infos]
            assert shown[:2] == ["val/loss", "val/accuracy"]
            assert set(shown) <= set(events.Tags()["scalars"])


def test_a_config_is_the_spec_as_the_arm_has_it(copied):
    base = next(iter(runs_of(copied).values()))
    rival = {"name": "decay", "p": 0.0, "recipe": {"weight_decay": 0.1, "train_size": 50}}
    spec = {**copied.record.spec, "arms": [copied.record.spec["arms"][0], rival]}
    found = _as_trained(spec, rival)
    assert (found["recipe"]["weight_decay"], found["data"]["train_size"]) == (0.1, 50)
    assert found["recipe"]["batch_size"] == copied.record.spec["recipe"]["batch_size"]
    assert base.config["droplab"] == droplab.__version__
    assert len(base.config["spec_hash"]) == 16
    assert base.config["recipe"] == copied.record.spec["recipe"]
    assert columns({"a": base}) == {"a": {"arm.name": base.key.arm, "seed": 0.0}}


def test_sinks_of_ones_own_are_told_when_training_ends_and_when_it_was_added_to(tmp_path):
    sink = "tests.tracking.broken:Concludes"
    for seeds, lang in ((1, "en"), (2, "ja")):
        listener = Listener()
        listener.lang = lang if lang != "en" else ""  # then that of the environment
        spec = tiny(seeds=seeds, recipe={"epochs": 1})
        results = droplab.compare(spec, out=tmp_path / "x", track=[sink], listener=listener)
        told = json.loads((tmp_path / "x" / "concluded.json").read_text(encoding="utf-8"))
        assert told["arms"] == json.loads(json.dumps(results.conclusion().arms))
        assert told["text"] == results.text(lang)
    main(["export", sink, str(tmp_path / "x"), "--lang", "en"])
    told = json.loads((tmp_path / "x" / "concluded.json").read_text(encoding="utf-8"))
    assert told["text"] == results.text()


def test_runs_that_are_online_are_changed_through_the_server(monkeypatch, tmp_path):
    import wandb

    from droplab.testing.sinks import conclusion
    from droplab.tracking.wandb_sink import WandbSink

    kept = {}

    class Api:  # the public one needs a server
        def run(self, path):
            found = SimpleNamespace(summary={}, notes="", update=lambda: kept.setdefault(path, found))
            return found

    monkeypatch.setattr(wandb, "Api", Api)
    monkeypatch.setenv("WANDB_MODE", "online")
    sink = WandbSink(tmp_path)
    sink._arms, sink._paths = {"1": "none", "2": "much"}, {"1": "me/droplab/1", "2": "me/droplab/2"}
    told = conclusion(("none", "much"), 0.5)
    assert sink.conclude(told) == ()
    sink.close()
    assert {path: run.summary["droplab"] for path, run in kept.items()} == {
        "me/droplab/1": told.arms["none"],
        "me/droplab/2": told.arms["much"],
    }
    assert all(told.table in run.notes for run in kept.values())


def test_more_offline_runs_than_are_kept_open_have_the_verdict_too(monkeypatch, tmp_path):
    from droplab.testing.sinks import commit, conclusion, write_ledger
    from droplab.tracking import Follower, make_sink, wandb_sink

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setattr(wandb_sink, "_OPEN", 1)
    warnings.filterwarnings("ignore", module="wandb")
    contract = sinks.TestWandb()
    with (
        write_ledger(tmp_path, seeds=1, epochs=1) as ledger,
        Follower(tmp_path, make_sink("wandb", tmp_path)) as follows,
    ):
        commit(ledger, range(1))
        follows.poll()
        told = conclusion(("no dropout", "dropout 0.5"), 0.5)
        follows.finish(told)
        contract.check(tmp_path, ledger)
        found = {key.arm: contract.read_verdict(tmp_path, run) for key, run in sink_runs(ledger).items()}
        assert found == told.arms

"""A run that is forgotten, an experiment that is renamed, arms that are added: on the record, and only those train."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import droplab
from droplab.cli import main
from droplab.errors import DesignError, LockedError, UserError
from droplab.execution.lock import folder_lock
from droplab.ledger import open_experiment, read_experiment
from droplab.records import RunKey
from droplab.results import Results
from droplab.spec.same import is_same
from tests.conftest import tiny
from tests.training.asking import compared, one
from tests.training.loops import regression

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def results(finished, tmp_path):
    """A copy of the finished experiment, to be changed."""
    return Results.read(shutil.copytree(finished.folder, tmp_path / "copy"))


def kinds(record):
    return [event.kind for event in record.events]


def checkpoints(results):
    return sorted(path.parent.name for path in Path(results.folder).glob("runs/*/*.ckpt"))


def test_a_forgotten_run_is_trained_again_and_the_verdict_says_so(results):
    before, files = compared(results.record), checkpoints(results)
    key = list(results.record.runs)[-1]
    forgotten = results.forget(key.arm, key.seed, "a cable came off")
    run = forgotten.record.runs[key]
    assert (run.state, run.epochs_done, run.metrics, run.folds) == ("planned", 0, {}, {})
    assert len(checkpoints(results)) == len(files) - 1
    (event,) = [event for event in forgotten.record.events if event.kind == "run forgotten"]
    assert (event.run, event.detail) == (key, {"reason": "a cable came off"})
    for lang, words in (("en", "forgotten by hand after"), ("ja", "手作業で破棄されました（理由：a cable came off）")):
        assert words.replace(" ", "") in "".join(forgotten.text(lang).split())
    again = droplab.compare(tiny(), out=results.folder)
    assert compared(again.record) == before
    assert "a cable came off" in again.text()
    started = [event.run for event in again.record.events if event.kind == "run running"]
    assert started.count(key) == 2
    assert len(started) == len(before) + 1, "the others stay"
    assert checkpoints(again) == files


def test_a_run_that_measured_nothing_is_forgotten_in_silence(results):
    (key, *_) = results.record.runs
    results.forget(key.arm, key.seed)
    notices = len(read_experiment(results.folder).notices)
    results.forget(key.arm, key.seed)
    assert len(read_experiment(results.folder).notices) == notices


def test_of_an_experiment_by_another_name_both_names_are_known(results):
    renamed = results.rename("  Überschrift 2 ")
    assert renamed.record.name == "Überschrift 2"
    assert "Überschrift 2" in renamed.text()
    assert kinds(renamed.record)[-1] == "experiment renamed"
    for spec in (tiny(), tiny(name="Überschrift 2")):
        assert compared(droplab.compare(spec, out=results.folder).record) == compared(results.record)
    with pytest.raises(DesignError, match="name: 'tiny' there, 'another' here"):
        droplab.compare(tiny(name="another"), out=results.folder)
    assert results.rename("third").record.events[-1].detail == {"before": "Überschrift 2", "after": "third"}


def test_a_loop_of_ones_own_by_another_name(tmp_path):
    before = one(regression, tmp_path)
    Results.read(tmp_path / "one").rename("other")
    assert one(regression, tmp_path).name == "other"
    assert compared(one(regression, tmp_path, name="other")) == compared(before)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda results: results.rename(" "), "the name '' has 0 characters; wanted 1 to 120"),
        (lambda results: results.rename("x" * 121), "has 121 characters"),
        (
            lambda results: results.forget("no dropou", 0),
            r"has no run no dropou · seed 0; its arms: .*did you mean 'no dropout'",
        ),
        (lambda results: results.forget("no dropout", 9), r"its seeds: 0"),
        (lambda results: Results(results.folder.parent, results.record).rename("x"), "holds no experiment"),
    ],
    ids=["blank", "long", "arm", "seed", "folder"],
)
def test_what_is_refused(results, act, words):
    before = kinds(results.record)
    with pytest.raises(UserError, match=words):
        act(results)
    assert kinds(read_experiment(results.folder)) == before
    assert not (results.folder.parent / ".lock").exists()


def test_a_running_experiment_is_left_alone(results):
    with folder_lock(results.folder), pytest.raises(LockedError):
        results.rename("x")


def test_the_commands(results, capsys):
    main(["rename", str(results.folder), "by command"])
    main(["forget", str(results.folder), "--arm", "no dropout", "--seed", "0", "--reason", "why not"])
    assert "is forgotten" in capsys.readouterr().out
    main(["runs", str(results.folder)])
    out = capsys.readouterr().out
    assert "by command" in out
    assert "planned" in out
    with pytest.raises(SystemExit) as stop:
        main(["forget", str(results.folder), "--arm", "no", "--seed", "0"])
    assert stop.value.code == 2


def test_arms_that_are_added_are_all_that_is_trained(results):
    before = compared(results.record)
    arms = [arm.model_dump(exclude_unset=True) for arm in tiny().arms]
    spec = tiny(arms=[{"name": "third", "p": 0.3}, *arms], baseline=arms[0]["name"])
    record = droplab.compare(spec, out=results.folder).record
    assert list(record.arms) == [*(arm["name"] for arm in arms), "third"]
    assert record.baseline == results.record.baseline
    assert {key: run for key, run in compared(record).items() if key.arm != "third"} == before
    assert record.runs[RunKey("third", 0)].state == "done"
    (event,) = [event for event in record.events if event.kind == "arms added"]
    assert event.detail == {"added": ["third"]}
    started = [event.run.arm for event in record.events if event.kind == "run running"]
    assert started.count("third") == len(started) - len(before)
    assert compared(droplab.compare(tiny(), out=results.folder).record) == compared(record), "fewer are the same, too"
    with open_experiment(results.folder) as ledger:
        design = ledger.design()
    assert is_same(design, spec)
    for other in ([{**arms[0], "p": 0.1}, *arms[1:], {"name": "fourth"}], [arms[1], {"name": "fourth"}]):
        assert not is_same(design, tiny(arms=other, baseline=other[0]["name"]))
        assert not is_same(design, tiny(arms=[*arms, {"name": "fourth"}], baseline="fourth"))

"""Seeds until decided: who is trained, when results are looked at, and what an interruption changes (nothing)."""

import json
import re
from collections import Counter

import pytest

import droplab
from droplab.cli import main
from droplab.cli.runs import runs as list_runs
from droplab.errors import SpecError
from droplab.ledger import read_experiment
from droplab.listener import Listener
from droplab.records import RunKey
from droplab.report import expectation
from tests.execution.deciding import ARMS, LOOKS, MEASURES, train
from tests.training.asking import compared

pytestmark = pytest.mark.usefixtures("one_thread")
TRAINED = {"no dropout": 6, "clear": 3, "late": 6, "open": 3}


def decide(folder, loop=train, **more):
    given = {"seeds": "until-decided", "looks": LOOKS, "arms": ARMS, "measures": MEASURES} | more
    return droplab.compare(loop, out=folder, name="deciding", **given)


def trained(record):
    return Counter(key.arm for key, run in record.runs.items() if run.state == "done")


def values(record):
    """Without who trained them."""
    return {key: figures.get("val_loss") for key, figures in compared(record).items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return decide(tmp_path_factory.mktemp("rounds") / "whole")


def test_an_arm_that_is_decided_gets_no_more_seeds(whole):
    assert trained(whole.record) == TRAINED
    assert whole.record.endpoints == {"set": "2", "margin": None, "looks": LOOKS, "alpha": 0.05}
    assert {found.arm: (found.says, found.look) for found in whole.verdict.primary.answers} == {
        "clear": ("better", 3),
        "late": ("better", 6),
        "open": ("undecided", 3),
    }
    left = {RunKey(arm, seed) for arm in ("clear", "open") for seed in (3, 4, 5)}
    assert whole.verdict.spared == left
    assert not whole.verdict.unfinished


def test_runs_that_were_not_needed_look_like_that_everywhere(whole, capsys):
    assert "6 runs of the plan need not be trained" in " ".join(whole.text().split())
    assert "計画したランのうち 6 件は学習不要です" in whole.text("ja")
    list_runs(whole.folder)
    listed = capsys.readouterr().out
    assert (listed.count("not needed"), listed.count("planned"), listed.count("failed")) == (6, 0, 0)
    page = whole.write_page(whole.folder / "page.html").read_text("utf-8")
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert Counter(run["state"] for run in data["runs"]) == {"done": 18, "spared": 6}


class Noted(Listener):
    """What a display is told."""

    def __init__(self):
        self.rounds, self.started_runs, self.said = [], [], []

    def round(self, record, runs):
        self.rounds.append(list(runs))

    def started(self, key):
        self.started_runs.append(key)

    def say(self, text):
        self.said.append(text)


def test_each_look_waits_for_its_runs_and_a_finished_experiment_trains_nothing(tmp_path):
    noted = Noted()
    decide(tmp_path / "e", listener=noted)
    assert [len(runs) for runs in noted.rounds] == [12, 2, 4]
    assert noted.started_runs == [key for runs in noted.rounds for key in runs]
    again = Noted()
    decide(tmp_path / "e", listener=again)
    assert not again.rounds
    assert not again.started_runs


@pytest.mark.parametrize("last", [5, 12, 13, 15])  # within a look, between two, within the next ones
def test_a_stop_is_no_look_and_changes_no_decision(tmp_path, whole, last):
    class Stop(Noted):
        def started(self, key):
            super().started(key)
            if len(self.started_runs) > last:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decide(tmp_path / "e", listener=Stop())
    assert sum(trained(read_experiment(tmp_path / "e")).values()) == last
    record = decide(tmp_path / "e").record
    assert trained(record) == TRAINED
    assert values(record) == values(whole.record)


def test_a_worker_process_lives_on_between_looks(tmp_path, whole):
    compute = {"executor": "process", "workers": 1, "threads": 1}
    record = decide(tmp_path / "e", "tests.execution.deciding:train", compute=compute).record
    assert values(record) == values(whole.record)
    assert len({run.metrics["val_worker"] for run in record.runs.values() if run.state == "done"}) == 1


def test_a_look_waits_for_runs_that_a_machine_lost_and_the_next_call_repeats_them(tmp_path, whole):
    lost, tries = [True], Counter()

    def breaking(run):
        tries[run.arm.name, run.seed] += 1
        if lost and (run.arm.name, run.seed) == ("late", 1):
            raise OSError("no such machine")
        train(run)

    record = decide(tmp_path / "e", breaking).record
    assert tries["late", 1] == 1
    assert trained(record) == {"no dropout": 3, "clear": 3, "late": 2, "open": 3}
    assert record.runs[RunKey("late", 1)].retry
    lost.clear()
    assert values(decide(tmp_path / "e", breaking).record) == values(whole.record)


def test_a_study_looks_between_its_runs_too(tmp_path, whole):
    study = droplab.study(
        "s", arms=ARMS, seeds="until-decided", looks=LOOKS, measures=MEASURES, out=tmp_path / "s", margin=0.001
    )
    for run in study:
        with run:
            train(run)
    assert values(study.results.record) == values(whole.record)


def test_seeds_added_by_hand_are_all_trained(tmp_path):
    two = [arm for arm in ARMS if arm["name"] in {"no dropout", "clear"}]
    assert trained(decide(tmp_path / "e", arms=two, looks=[3, 4]).record) == {"no dropout": 3, "clear": 3}
    results = decide(tmp_path / "e", arms=two, seeds=5, looks=None)
    assert trained(results.record) == {"no dropout": 5, "clear": 5}
    assert results.record.endpoints["looks"] == [3, 4]
    assert not results.verdict.spared
    assert results.verdict.primary.answers[0].look == 5


def test_a_margin_that_is_named_after_results_is_noted_and_judged_by(tmp_path):
    two = [arm for arm in ARMS if arm["name"] in {"no dropout", "clear"}]
    decide(tmp_path / "e", arms=two, seeds=3, looks=None)
    noted = Noted()
    results = decide(tmp_path / "e", arms=two, seeds=3, looks=None, margin=0.9, listener=noted)
    assert not noted.started_runs
    assert results.verdict.primary.answers[0].says == "equal"
    assert [notice.code for notice in results.record.notices] == ["plan_changed"]


def test_what_it_will_probably_take_is_said_before(whole):
    record = whole.record
    told = expectation(record)
    assert told.startswith("Until decided, with looks at 3, 4, 6 seeds: a difference of 0.0")  # in the loss's own unit
    bare = type(record)(**{**vars(record), "runs": {}})
    assert "a difference of 2 standard deviations of the paired differences takes" in expectation(bare)
    assert "標準偏差 1 個分" in expectation(bare, "ja")
    assert expectation(type(record)(**{**vars(record), "endpoints": {}})) == ""


def test_one_arm_has_nothing_to_decide(tmp_path):
    with pytest.raises(SpecError, match="with one arm there is nothing to decide"):
        decide(tmp_path / "e", arms=[0])


SPEC = """
name = "by command"
loop = "tests.execution.deciding:train"
measures = { loss = "lower", worker = "lower" }
arms = [{ name = "no dropout" }, { name = "clear", p = 0.1 }]
"""


def test_the_command_line_has_it(tmp_path, capsys):
    (tmp_path / "spec.toml").write_text(SPEC)
    folder = tmp_path / "e"
    main(["compare", str(tmp_path / "spec.toml"), "--seeds", "until-decided", "--margin", "0.9", "--out", str(folder)])
    told = capsys.readouterr()
    assert "practically equal" in told.out
    assert "at most 40 runs (2 arms × 20 seeds)" in told.err
    assert "for the next look: 6 runs, up to seed 2" in told.err
    assert trained(read_experiment(folder)) == {"no dropout": 3, "clear": 3}

"""A loop in a TOML file, from the command line."""

import re

import pytest

import droplab
from droplab.cli import main
from droplab.errors import UserError
from droplab.spec import LoopSpec

LOOP = """
import torch
from tests.training.loops import Net, figures, TRAIN

def train(run):
    model = run.prepare(Net)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in run.epochs(optimizer=optimizer):
        for x, y in run.loader(TRAIN, batch_size=16):
            with run.step():
                loss = torch.nn.functional.mse_loss(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        run.report(**figures(model))
"""
SPEC = """
loop = "their_training:train"
measures = { loss = "lower", mae = "lower" }
epochs = 2
seeds = 2
arms = [0, 0.3, { name = "ramp", p = 0.5, schedule = "linear" }]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "their_training.py").write_text(LOOP, encoding="utf-8")
    (tmp_path / "spec.toml").write_text(SPEC, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "their_training", raising=False)
    return tmp_path


@pytest.mark.usefixtures("one_thread")
def test_the_command_trains_writes_the_page_and_continues(folder, capfd):
    main(["compare", "spec.toml"])
    said = capfd.readouterr().out
    assert "train: the loop their_training:train, 3 arms × 2 seeds, 2 epochs" in said
    (out,) = (folder / "droplab-runs").iterdir()
    assert (out / "report.html").read_text(encoding="utf-8").count("their_training:train")
    main(["compare", "spec.toml", "--seeds", "3", "--arms", "0,0.6"])
    record = droplab.Results.read(out).record
    assert (record.arms, record.seeds) == (("no dropout", "dropout 0.3", "ramp", "dropout 0.6"), (0, 1, 2))
    assert {run.state for run in record.runs.values()} == {"done"}
    main(["verdict", str(out)])
    main(["runs", str(out)])
    results = droplab.compare("their_training:train", arms=[0], measures={"loss": "lower", "mae": "lower"}, epochs=2)
    assert results.folder == out
    assert len(results.to_pandas()) == 24


@pytest.mark.usefixtures("one_thread")
def test_changed_code_is_seen(folder):
    main(["compare", "spec.toml"])
    (folder / "their_training.py").write_text(LOOP.replace("lr=0.1", "lr=0.2"), encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["compare", "spec.toml"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"measures": {"loss": "up"}}, "measures: measure 'loss': better is 'up'"),
        ({"loop": "train"}, "loop: got 'train'; the name of a function is wanted"),
        ({"epohcs": 3}, "epohcs: unknown key; did you mean 'epochs'?"),
        ({"epochs": 0}, "epochs: "),
        ({"arms": ["none"]}, "arms: got 'none'; an arm is a drop rate"),
        ({"arms": [0, 0]}, "given twice: no dropout"),
        ({"arms": [1.5]}, "a drop rate p is a probability within [0, 1]"),
        ({"seeds": 0}, "at least one seed"),
    ],
)
def test_each_problem_has_its_line(change, words):
    with pytest.raises(droplab.UserError) as caught:
        droplab.compare({"loop": "their_training:train", **change})
    assert words in str(caught.value)


def test_a_loop_that_is_not_there():
    with pytest.raises(droplab.UserError, match="loop 'nowhere:train': no module named 'nowhere'"):
        droplab.compare("nowhere:train")


def test_two_spellings_are_one_experiment():
    one = LoopSpec(
        loop="a:train", measures={"loss": "lower"}, arms=[0, {"drop*": 0.25}, {"name": "p", "kind": "drop_path"}]
    )
    other = LoopSpec(
        loop="a:train",
        measures=[droplab.Measure("loss", "lower")],
        arms=[
            {"name": "no dropout", "p": 0},
            {"name": "drop* 0.25", "p": {"drop*": 0.25}, "schedule": "constant"},
            {"name": "p", "kind": {"name": "drop_path", "mode": "row"}},
        ],
        seeds=[4],
    )
    assert one.identity() == other.identity()
    assert one.canonical()["arms"] == other.canonical()["arms"]


def test_a_schedule_that_reads_what_nobody_reports_is_refused_before_anything_is_trained():
    arm = {"name": "slope", "p": 0.1, "schedule": "adaptive-slope"}
    assert LoopSpec(loop="a:b", measures={"loss": "lower"}, arms=[arm])
    with pytest.raises(ValueError, match="of the arm 'slope' reads val_loss, and the measures are mse"):
        LoopSpec(loop="a:b", measures={"mse": "lower"}, arms=[{"name": "at one site", "p": 0.1}, arm])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seeds": 1.5}, "seeds: got 1.5; a number of seeds, or a list of them"),
        ({"seeds": []}, "seeds: got []; a number of seeds, or a list of them"),
        ({"compute": "process"}, "compute: got 'process'; a table is wanted"),
        ({"track": "wandbx"}, "no sink 'wandbx'"),
        ({"spec": 3}, "got 3; a training loop train(run) is wanted"),
        ({"spec": lambda: None}, "is called with one argument, a droplab.Run, and does not take it"),
        ({"spec": lambda run, more: None}, "write def train(run)"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words_before_anything_is_written(tmp_path, options, words):
    with pytest.raises(UserError, match=re.escape(words)):
        droplab.compare(**{"spec": lambda run: None, "out": tmp_path / "one", **options})
    assert not (tmp_path / "one").exists()

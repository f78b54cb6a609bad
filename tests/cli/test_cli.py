from __future__ import annotations

import subprocess
import sys

import pytest

from droplab.cli import main
from droplab.cli.compare import spec_values
from droplab.spec.presets import SETS, demo

TINY = """
name = "cli"
seeds = 2
[data]
train_size = 60
[recipe]
epochs = 1
precision = "float32"
[compute]
executor = "serial"
threads = 1
"""


def run(capsys, *arguments):
    """Exit code, standard output and standard error of a command."""
    code = 0
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as stop:
        code = stop.code or 0
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TINY, encoding="utf-8")
    return tmp_path


def test_from_spec_to_export(here, capsys):
    code, out, err = run(capsys, "compare", "tiny.toml", "--out", "x", "--lang", "ja")
    assert code == 0
    assert "読み方" in out
    assert "エポック 1/1  検証損失" in err
    assert out.splitlines()[-1] == f"ページ: {(here / 'x' / 'report.html').as_uri()}"
    code, out, _ = run(capsys, "verdict", "x")
    assert code == 0
    assert "How to read this" in out
    code, out, _ = run(capsys, "runs", "x")
    assert out.count("done") == 4
    code, out, _ = run(capsys, "export", "csv", "x")
    assert out.startswith("experiment,arm,seed,state,epoch,metric,value")
    assert run(capsys, "export", "csv", "x", "--effects", "--output", "e.csv")[0] == 0
    assert (here / "e.csv").read_text(encoding="utf-8").count("\n") == 2
    for command in (("export", "csv", "x"), ("report", "x")):
        code, _, err = run(capsys, *command, "--output", "e.csv")
        assert code == 2
        assert "--force replaces it" in err
        assert (here / "e.csv").read_text(encoding="utf-8").count("\n") == 2
    assert run(capsys, "report", "x", "--output", "e.csv", "--force")[0] == 0
    assert run(capsys, "export", "csv", "x", "--output", "e.csv", "--force")[0] == 0
    assert (here / "e.csv").read_text(encoding="utf-8").startswith("experiment,arm")
    for place in (".", "/", ""):
        assert run(capsys, "report", "x", "--output", place)[0] == 2
    assert run(capsys, "report", "x")[0] == 0
    code, out, _ = run(capsys, "test", "x", "--arm", "no dropout")
    assert code == 0
    assert "opened 2 times" in out


def test_the_help_names_every_set(capsys):
    code, out, _ = run(capsys, "compare", "--help")
    assert code == 0
    assert [name for name in SETS if name not in out] == []


def test_arms_from_the_command_line(here, capsys):
    code, out, _ = run(capsys, "compare", "tiny.toml", "--arms", "0,0.1,0.9", "--seeds", 1, "--out", "y")
    assert code == 0
    assert "dropout 0.9" in out


def test_changes_of_the_recipe_from_the_command_line(here, capsys):
    arms = "0,weight_decay=0.01,0.5+lr=0.1+optimizer=sgd"
    code, out, _ = run(capsys, "compare", "tiny.toml", "--arms", arms, "--seeds", 1, "--out", "y")
    assert code == 0
    said = " ".join(out.split())
    assert '"no dropout, weight_decay 0.01" trains by another recipe: weight_decay 0.01 in the place of 0.' in said
    assert '"dropout 0.5, lr 0.1, optimizer sgd" trains by another recipe:' in said


def test_a_built_in_set_on_data_of_ones_own(here, capsys):
    code, out, _ = run(capsys, "compare", "tiny.toml", "--set", "tutorial", "--seeds", 1, "--out", "z")
    assert code == 0
    assert "4 arms" in out
    assert "60 training" in out
    for name in ("more before fc2", "adaptive"):
        assert name in out


def test_a_set_brings_its_own_data_where_none_is_named():
    alone = spec_values(None, None, None, None, None, "rates", 2, None)
    assert (alone["name"], alone["recipe"], alone["seeds"]) == ("rates", demo()["recipe"], 2)
    named = spec_values(None, "cifar10", None, None, None, "rates", None, None)
    assert named["data"] == {"name": "cifar10"}
    assert "recipe" not in named
    assert named["arms"] == alone["arms"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("compare", "--set", "schedulse"),
            "rivals, dropout-x-decay, rates, schedules, and pkg.module:ARMS of your own; did you mean 'schedules'?",
        ),
        (("compare", "tinny.toml"), "tinny.toml"),
        (("compare", "--lang", "fr"), "droplab speaks en and ja"),
        (("compare", "tiny.toml", "--arms", "0,no dropotu"), "did you mean 'no dropout'"),
        (("compare", "tiny.toml", "--arms", "0,1.5"), "arms[1].p"),
        (
            ("compare", "tiny.toml", "--arms", "0,weight_deacy=1"),
            "recipe.weight_deacy: unknown key; did you mean",
        ),
        (("compare", "tiny.toml", "--arms", "0,lr=fast"), "arms[1].lr: got 'fast'; a number is wanted, without quotes"),
        (("compare", "--data", "cifar1"), "did you mean 'cifar10'"),
        (("compare", "tiny.toml", "--epoch", "3"), "--epoch"),
        (("verdict", "nowhere"), "holds no experiment"),
        (("test", "nowhere"), "holds no experiment"),
        (("data", "verify", "mnist"), "mnist"),
        (("comapre",), "compare"),
        (("runs", "x" * 300), "too long"),
        (("verdict", "x" * 300), "too long"),
        (("test", "x" * 300), "too long"),
        (("report", "x" * 300), "too long"),
    ],
)
def test_the_users_mistakes_exit_with_2(here, capsys, arguments, words):
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert words in " ".join((out + err).split())


def test_init_never_overwrites(here, capsys):
    assert run(capsys, "init", "a.toml")[0] == 0
    assert run(capsys, "init", "a.toml")[0] == 2
    assert "[[arms]]" in (here / "a.toml").read_text(encoding="utf-8")


def test_data_commands(capsys, tmp_path):
    assert "MIT" in run(capsys, "data", "list")[1]
    assert run(capsys, "data", "verify", "fashion-mnist-mini")[0] == 0
    assert run(capsys, "data", "verify", "cifar10", "--data-dir", tmp_path)[0] == 2


def test_offline_says_which_files_to_put_where(capsys, tmp_path, monkeypatch):
    import urllib.error
    import urllib.request

    def offline(*_args, **_kwargs):
        raise urllib.error.URLError("no network in this test")

    monkeypatch.setattr(urllib.request, "urlopen", offline)
    code, _, err = run(capsys, "data", "fetch", "cifar10", "--data-dir", tmp_path)
    assert code == 1
    assert "cifar-10-python.tar.gz" in err
    assert str(tmp_path) in err


def test_help_loads_no_torch():
    code = (
        "import sys, droplab.cli as c\n"
        "try: c.main(['--help'])\n"
        "except SystemExit: pass\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for command in ("compare", "runs", "verdict", "export", "data", "init"):
        assert command in shown.stdout


def test_a_baseline_that_drops_ends_with_2_and_is_trained_where_that_is_allowed(here, capsys):
    model = "tests.execution.check.models:Residual"
    code, _, err = run(capsys, "compare", "tiny.toml", "--model", model, "--arms", "0,0.5", "--seeds", 1, "--out", "x")
    assert code == 2
    assert "DropPath 'drop_path' (Tensor.bernoulli_ at " in err
    assert "--allow-random-baseline" in err
    assert not (here / "x").exists()
    words = "tiny.toml", "--model", model, "--arms", "0,0.5", "--seeds", 1, "--out", "x", "--allow-random-baseline"
    code, out, err = run(capsys, "compare", *words)
    assert code == 0
    assert "! The model drops units that no arm controls" in err
    assert "The model drops units that no arm controls" in out

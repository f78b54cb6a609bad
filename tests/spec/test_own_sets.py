"""Arms from a list of the user's own, by its name."""

import pytest

import droplab
from droplab.cli import main
from droplab.spec import LoopSpec
from droplab.spec.presets import arm_set

SET = "own_sets_of_a_user"


@pytest.fixture(autouse=True)
def module(monkeypatch, tmp_path):
    (tmp_path / f"{SET}.py").write_text(
        "ARMS = [0, {'name': 'much', 'p': 0.5}]\nEMPTY = []\nONE = 0.5\nWRONG = [0, 'much']\ndef made(): return ARMS\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize("name", ["ARMS", "made"])
def test_a_spec_and_a_loop_take_it(name):
    spec = arm_set(f"{SET}:{name}")
    assert [arm["name"] for arm in spec["arms"]] == ["no dropout", "much"]
    assert spec["data"] == arm_set("tutorial")["data"]
    loop = LoopSpec(loop="a:train", arms=f"{SET}:{name}")
    assert [(arm.name, arm.p) for arm in loop.arms] == [("no dropout", 0), ("much", 0.5)]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (f"{SET}:ARM", "has no 'ARM'; did you mean 'ARMS'"),
        (f"{SET}:EMPTY", "is empty; a list of arms is wanted"),
        (f"{SET}:ONE", "is a float; a list of arms is wanted"),
        (f"{SET}:WRONG", "got 'much'; an arm is a drop rate"),
        ("nowhere:ARMS", "set of arms 'nowhere:ARMS': no module named 'nowhere'"),
        ("tutorail", "there are tutorial"),
    ],
)
def test_what_is_none_is_told_in_one_line(name, words, capsys):
    with pytest.raises(droplab.UserError) as caught:
        arm_set(name)
    assert words in str(caught.value)
    with pytest.raises(SystemExit):
        main(["compare", "--set", name])
    assert words in " ".join(capsys.readouterr().err.split())

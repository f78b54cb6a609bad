"""Names of functions that are given as objects: the same for what does the same, others for what does not."""

from __future__ import annotations

import functools
import importlib
import subprocess
import sys
import types

import pytest
import torch
from torch import nn

from droplab.given import find, is_given, is_local, name_of, source_digest
from droplab.models import TutorialCNN

WIDTH = 4


def importable(shape, classes):
    return nn.Linear(shape[0], classes)


def test_what_a_module_gives_back_goes_by_its_name():
    assert name_of(importable) == "tests.test_given:importable"
    assert name_of(TutorialCNN) == "droplab.models.tutorial_cnn:TutorialCNN"
    assert not is_local(name_of(importable))


def test_a_name_that_gives_back_another_object_is_not_taken():
    shadow = functools.wraps(importable)(lambda shape, classes: None)
    assert is_given(name_of(shadow))
    assert find(name_of(shadow)) is shadow


def test_a_module_made_by_hand_is_known_to_nobody_else():
    module = types.ModuleType("by_hand")
    exec("def net(): ...", module.__dict__)
    module.net.__module__ = "by_hand"
    sys.modules["by_hand"] = module
    try:
        assert is_given(name_of(module.net))
    finally:
        del sys.modules["by_hand"]


def made(text: str, **names):
    """A function ``net`` as a script would define it, with the script's other names."""
    space = {"__name__": "__main__", "nn": nn, **names}
    exec(text, space)
    return space["net"]


SAME = "def net(shape, classes):\n    return nn.Linear(WIDTH, classes)\n"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (SAME.replace("classes)\n", "classes + 1)\n"), {"WIDTH": 4}),
        (SAME, {"WIDTH": 5}),
        (SAME.replace("shape,", "shape=3,").replace("classes)", "classes=1)", 1), {"WIDTH": 4}),
        (SAME.replace("nn.Linear", "other"), {"WIDTH": 4, "other": nn.Linear}),
        (SAME, {"WIDTH": torch.ones(2)}),
    ],
    ids=["code", "a global", "defaults", "what it calls", "a tensor"],
)
def test_whatever_makes_another_model_makes_another_name(text, names):
    assert name_of(made(text, **names)) != name_of(made(SAME, WIDTH=4))


def test_other_names_of_the_script_and_comments_do_not():
    assert name_of(made(SAME, WIDTH=4)) == name_of(made(SAME, WIDTH=4, seeds=7))
    commented = SAME.replace("    return", "    # why\n    return")
    assert name_of(made(SAME, WIDTH=4)) == name_of(made(commented, WIDTH=4))


def test_a_class_of_the_script_counts_with_its_methods_and_bases():
    net = """
class Base(nn.Module):
    depth = {depth}
class Net(Base):
    def forward(self, x):
        return x * {by}
def net():
    return Net()
"""
    names = {name_of(made(net.format(depth=depth, by=by))) for depth in (1, 2) for by in (1, 2)}
    assert len(names) == 4
    assert name_of(made(net.format(depth=1, by=1))) in names


def test_closures_and_partials_are_told_apart():
    names = {name_of(lambda width=width: width) for width in (1, 2)}
    names |= {name_of(functools.partial(importable, classes=n)) for n in (1, 2)}

    def closed(width):
        return lambda: width

    names |= {name_of(closed(1)), name_of(closed(2)), name_of(closed(1))}
    assert len(names) == 6


class Settings:
    def __init__(self, width):
        self.width = width


def test_objects_count_by_what_they_hold():
    settings = Settings(1)
    before = name_of(lambda: settings.width)
    settings.width = 2
    assert name_of(lambda: settings.width) != before


def test_what_cannot_be_looked_into_is_never_taken_for_another():
    one, other = object(), object()
    first = name_of(lambda: one)
    functions = [lambda value=value: value for value in (one, other, one)]
    names = [name_of(function) for function in functions]
    assert names[0] == names[2] != names[1]
    assert first not in names
    assert find(names[1]) is functions[1]


def test_names_are_the_same_in_every_process():
    text = """
from droplab.given import name_of
def net(width=3):
    return {'a', 'b', width}
print(name_of(net), name_of(lambda: net({'x', 'y'})))
"""
    path = ":".join(sys.path)
    runs = set()
    for seed in ("1", "2"):
        variables = {"PYTHONHASHSEED": seed, "PYTHONPATH": path}
        command = [sys.executable, "-c", text]
        runs.add(subprocess.run(command, capture_output=True, text=True, check=True, env=variables).stdout)
    assert len(runs) == 1
    assert runs.pop().startswith("__main__:net@")


def test_the_users_modules_count_with_their_files(tmp_path, monkeypatch):
    file = tmp_path / "given_helper.py"
    monkeypatch.syspath_prepend(tmp_path)
    names = []
    for text in ("def net(): return 1", "def net(): return 1  # why", "def net(): return 2"):
        file.write_text(text, encoding="utf-8")
        monkeypatch.delitem(sys.modules, "given_helper", raising=False)
        helper = importlib.import_module("given_helper")
        names += [name_of(lambda helper=helper: helper.net()), name_of(lambda net=helper.net: net())]
    assert names[:2] == names[2:4]
    assert not set(names[:2]) & set(names[4:])


def test_what_is_too_deep_to_look_through_is_never_taken_for_another():
    def deep():
        chain = None
        for _ in range(5000):
            chain = [chain]
        return lambda: chain

    one, other = deep(), deep()
    assert name_of(one) != name_of(other)
    assert name_of(one) == name_of(one)


def test_a_source_digest_is_of_code_and_plain_values_and_of_what_is_bound():
    seen: list[int] = []

    def make(rate):
        def loop(run):
            seen.append(rate)

        return loop

    before = source_digest(make(0.1))
    seen.append(1)
    assert source_digest(make(0.1)) == before != source_digest(make(0.2))
    bound = [source_digest(functools.partial(make, rate=rate)) for rate in ([0.1], [0.1], [0.2])]
    assert bound[0] == bound[1] != bound[2]

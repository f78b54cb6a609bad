from __future__ import annotations

import pytest

from droplab.errors import ModelError, SpecError

BASE = {"name": "none", "p": 0.0}


def notice(found, code):
    return [(one.arm, dict(one.detail)) for one in found.notices if one.code == code]


def test_a_layer_that_forward_never_calls_is_named(check):
    found = check("Unused", arms=[BASE, {"name": "dead", "p": {"drop": 0.0, "other": 0.5}}, {"name": "all", "p": 0.5}])
    assert notice(found, "never_called") == [("dead", {"sites": "other"}), ("all", {"sites": "other"})]
    assert notice(found, "identical") == [("dead", {"other": "none"})]


def test_sites_that_are_looked_for_in_vain_are_told_with_the_function_that_drops(check):
    with pytest.raises(SpecError, match=r"matches nothing(.|\n)*no arm reaches:\n.*F\.dropout at \S*models\.py:\d+ in"):
        check("OnlyFunctional")
    with pytest.raises(SpecError, match="matches nothing") as caught:
        check("parameterless")
    assert len(caught.value.problems) == 1


def test_a_doorway_of_a_module_that_is_never_called(check):
    found = check("Unused", arms=[BASE, {"name": "dead", "p": {"drop": 0.0, "extra:out": 0.5}}])
    assert notice(found, "never_called") == [("dead", {"sites": "extra:out"})]
    assert notice(found, "identical") == [("dead", {"other": "none"})]


def test_weights_that_are_used_without_their_layer(check):
    arms = [BASE, {"name": "w", "p": {"drop": 0.0, "extra": 0.5}, "layer": {"extra": "drop_connect_linear"}}]
    found = check("FunctionalWeights", arms=arms)
    assert notice(found, "never_called") == [("w", {"sites": "extra"})]
    assert notice(found, "identical") == [("w", {"other": "none"})]


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("ReadsRate", SpecError, r"gaussian_dropout' would do nothing at attention"),
        ("ReadsHidden", ModelError, r"'attention' the kind 'gaussian_dropout'.*never calls that layer.*standard"),
    ],
)
def test_a_rate_that_is_only_read_acts_for_plain_dropout_and_for_nothing_else(check, name, error, words):
    found = check(name, arms=[BASE, {"name": "read", "p": {"attention": 0.5}}])
    assert notice(found, "never_called") == []
    assert notice(found, "identical") == []
    arms = [BASE, {"name": "gauss", "p": {"attention": 0.5}, "layer": "gaussian_dropout"}]
    with pytest.raises(error, match=words):
        check(name, arms=arms)


def test_equal_definitions_are_identical_and_different_ones_are_not(check):
    arms = [BASE, {"name": "half", "p": 0.5}, {"name": "again", "p": 0.5}, {"name": "tiny", "p": 1e-6}]
    found = check("Net", arms=arms)
    assert notice(found, "identical") == [("again", {"other": "half"})]


def test_a_schedule_that_begins_at_0_is_not_the_baseline(check):
    arms = [BASE, {"name": "linear", "p": 0.5, "schedule": "linear"}, {"name": "adaptive", "schedule": "adaptive-gap"}]
    assert notice(check("Net", arms=arms), "identical") == []


def test_a_call_that_the_model_does_not_make_is_refused(check):
    arms = [BASE, {"name": "second", "p": {"drop": 0.1, "drop#2": 0.5}}]
    assert notice(check("Twice", arms=arms), "never_called") == []
    with pytest.raises(ModelError, match=r"'second' gives the site 'drop#3' a rate.*calls 'drop' 2 times"):
        check("Twice", arms=[BASE, {"name": "second", "p": {"drop#3": 0.5}}])

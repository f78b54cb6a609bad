from __future__ import annotations

import pytest

from droplab.errors import ModelError


@pytest.mark.parametrize(("name", "words"), [("cached", "the same module"), ("sharing", "share trainable parameters")])
def test_a_model_that_is_not_new_is_refused(check, name, words):
    with pytest.raises(ModelError, match=f"{words} on two calls.*Build a new model on each call"):
        check(name)


def test_arms_that_do_not_start_from_the_same_weights_are_told(check, said):
    assert said("own_generator") == {"weights_differ": ""}
    assert check("own_generator").weights == {}


def test_seeds_that_change_nothing_are_told(said):
    assert said("seeded") == {"weights_same": ""}
    assert said("seeded", seeds=1) == {}


def test_weights_of_the_first_seed_are_kept(check):
    one, two = check("Net").weights, check("Net", seeds=[5]).weights
    assert list(one) == ["0"]
    assert list(two) == ["5"]
    assert one["0"] != two["5"]

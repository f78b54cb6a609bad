"""Masks that no key reaches are told of, by their sites, and refused where nothing decides about them."""

from __future__ import annotations

import pytest

from droplab.errors import ModelError

ARMS = [{"name": "none", "p": 0}, {"name": "some", "p": 0.2}]


def test_what_is_only_seeded_is_named(check):
    (notice,) = [notice for notice in check("Derived", arms=ARMS).notices if notice.code == "no_key"]
    assert (notice.arm, notice.detail["what"]) == ("some", "drop")


@pytest.mark.parametrize("name", ["Net", "Recurrent", "Encoder"])
def test_layers_and_the_numbers_of_kernels_and_of_attention_have_keys(check, name):
    assert not [notice for notice in check(name, arms=ARMS).notices if notice.code == "no_key"]


def test_a_site_that_is_only_seen_is_refused_by_name(check):
    with pytest.raises(ModelError, match="arm 'some' drops at drop, which is seen only"):
        check("Apart", arms=ARMS)
    check("Apart", arms=[{"name": "none", "p": 0}])

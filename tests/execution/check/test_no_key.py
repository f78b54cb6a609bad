"""Masks that no key reaches are told of, by their sites."""

from __future__ import annotations

import pytest

ARMS = [{"name": "none", "p": 0}, {"name": "some", "p": 0.2}]


@pytest.mark.parametrize(("name", "site"), [("Recurrent", "rnn.dropout"), ("Encoder", "layer.self_attn.dropout")])
def test_the_number_of_a_kernel_or_of_attention_is_named(check, name, site):
    (notice,) = [notice for notice in check(name, arms=ARMS).notices if notice.code == "no_key"]
    assert (notice.arm, notice.detail["what"]) == ("some", site)


def test_layers_have_keys(check):
    assert not [notice for notice in check("Net", arms=ARMS).notices if notice.code == "no_key"]

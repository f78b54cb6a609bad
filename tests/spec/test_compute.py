"""Where and how runs are carried out, as specs say it."""

from __future__ import annotations

import pytest

from droplab.errors import SpecError
from droplab.spec import LoopSpec, parse_spec

BEFORE = {"executor": "auto", "workers": None, "threads": None, "device": "auto"}


def test_what_came_with_clusters_is_not_in_ledgers_of_before():
    assert parse_spec({}).canonical()["compute"] == BEFORE
    assert LoopSpec(loop="pkg.module:train").canonical()["compute"] == BEFORE


def test_a_cluster_is_asked_for_and_kept():
    asked = {"executor": "ray", "address": "10.0.0.5:6379", "cpus_per_run": 2, "gpus_per_run": 0.25}
    spec = parse_spec({"compute": asked})
    assert spec.canonical()["compute"] == {**BEFORE, **asked}
    assert spec.identity() == parse_spec({}).identity()


@pytest.mark.parametrize(
    ("compute", "said"),
    [
        ({"cpus_per_run": 2}, "cpus_per_run: of executor = 'ray' alone, and it is 'auto'"),
        (
            {"executor": "process", "address": "x:1", "gpus_per_run": 1},
            "address, gpus_per_run: of executor = 'ray' alone",
        ),
        ({"executor": "ray", "workers": 2}, "workers: how many runs a cluster has at a time follows from"),
        ({"executor": "ray", "cpus_per_run": 0}, "cpus_per_run"),
        ({"executor": "slurm"}, "executor"),
    ],
)
def test_what_does_not_hold_is_said(compute, said):
    with pytest.raises(SpecError, match=said):
        parse_spec({"compute": compute})

"""The contract on the cluster that ``RAY_ADDRESS`` names, of nodes with one CPU; ``test_prove_ray.py`` starts it."""

from __future__ import annotations

import os

import pytest

import droplab
from droplab.execution.executors.cluster import RayExecutor
from droplab.execution.executors.cluster.connection import check
from droplab.spec.tables import ComputeSpec
from droplab.testing import ExecutorContract


class TestRay(ExecutorContract):
    def executor(self, run_set):
        return RayExecutor(run_set, ComputeSpec(executor="ray", threads=1, address=os.environ["RAY_ADDRESS"]))

    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            ({"cpus_per_run": 8}, "asks for 8 CPUs, and the largest node of the cluster has 1"),
            ({"gpus_per_run": 0.5}, r"asks for 0\.5 GPUs, and the largest node of the cluster has 0"),
        ],
    )
    def test_what_no_node_has_is_said(self, asked, said, tmp_path):
        self._executor()
        with pytest.raises(droplab.UserError, match=said):
            check(ComputeSpec(executor="ray", **asked), tmp_path)

    def test_another_version_on_a_node_is_said(self, tmp_path, monkeypatch):
        self._executor()
        monkeypatch.setattr("droplab.execution.executors.cluster.connection.__version__", "9.9")
        with pytest.raises(droplab.UserError, match=r"the node .*: its droplab is .*, and the driver has 9\.9"):
            check(ComputeSpec(executor="ray"), tmp_path)

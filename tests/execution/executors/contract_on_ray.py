"""The contract on the cluster that ``RAY_ADDRESS`` names, of nodes with one CPU; ``test_prove_ray.py`` starts it."""

from __future__ import annotations

import os

import pytest
import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

import droplab
from droplab.execution.checkpoint import CheckpointStore
from droplab.execution.executors.cluster import RayExecutor
from droplab.execution.executors.cluster.connection import check
from droplab.execution.executors.cluster.executor import _Attempt
from droplab.spec.tables import ComputeSpec
from droplab.testing import ExecutorContract


class Worker:
    """What it has put is gone when it is."""

    def saved(self):
        return [ray.put(b"a checkpoint")]


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

    def test_a_checkpoint_that_was_lost_with_its_node_is_not_the_clusters_end(self, tmp_path):
        self._executor()
        here = ray.get_runtime_context().get_node_id()
        other = next(node["NodeID"] for node in ray.nodes() if node["Alive"] and node["NodeID"] != here)
        there = NodeAffinitySchedulingStrategy(other, soft=False)
        worker = ray.remote(num_cpus=0, scheduling_strategy=there)(Worker).remote()
        reference = ray.get(worker.saved.remote())
        ray.kill(worker)
        store = CheckpointStore(tmp_path)
        assert _Attempt(self._runs(tmp_path, "good")[0], store).keep(1, reference, 2) is None
        assert store.raw(None) is None

    def test_another_version_on_a_node_is_said(self, tmp_path, monkeypatch):
        self._executor()
        monkeypatch.setattr("droplab.execution.executors.cluster.connection.__version__", "9.9")
        with pytest.raises(droplab.UserError, match=r"the node .*: its droplab is .*, and the driver has 9\.9"):
            check(ComputeSpec(executor="ray"), tmp_path)

"""The executors of this machine, held to the contract; the cluster's are in ``test_prove_ray.py``."""

from __future__ import annotations

from contextlib import nullcontext

from droplab.execution.executors import ProcessExecutor, SerialExecutor
from droplab.testing import ExecutorContract


class TestSerial(ExecutorContract):
    processes = False

    def executor(self, run_set):
        return nullcontext(SerialExecutor(run_set.open()))


class TestProcess(ExecutorContract):
    def executor(self, run_set):
        return ProcessExecutor(run_set)

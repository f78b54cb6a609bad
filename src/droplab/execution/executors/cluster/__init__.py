"""Runs on a Ray cluster; imported where it is asked for, as Ray is an extra.

The driver alone writes: ledger and checkpoints are with it, and what a node has is of no value once it is gone.
"""

from droplab.execution.executors.cluster.connection import connected
from droplab.execution.executors.cluster.executor import RayExecutor

__all__ = ["RayExecutor", "connected"]

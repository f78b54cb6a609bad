"""Contracts that plug-ins inherit: every test of ours becomes a test of yours."""

from droplab.testing.executors import ExecutorContract
from droplab.testing.laws.oracle import Oracle, scaled
from droplab.testing.layers import LayerContract
from droplab.testing.schedules import AdaptiveContract, ScheduleContract
from droplab.testing.sinks import ReadBack, SinkContract, write_ledger
from droplab.testing.tasks import TaskContract
from droplab.variants.kind import Kind

__all__ = [
    "AdaptiveContract",
    "ExecutorContract",
    "Kind",
    "LayerContract",
    "Oracle",
    "ReadBack",
    "ScheduleContract",
    "SinkContract",
    "TaskContract",
    "scaled",
    "write_ledger",
]

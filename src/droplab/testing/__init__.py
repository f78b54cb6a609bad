"""Contracts that plug-ins inherit: every test of ours becomes a test of yours."""

from droplab.testing.layers import LayerContract
from droplab.testing.schedules import AdaptiveContract, ScheduleContract
from droplab.testing.sinks import ReadBack, SinkContract, write_ledger

__all__ = ["AdaptiveContract", "LayerContract", "ReadBack", "ScheduleContract", "SinkContract", "write_ledger"]

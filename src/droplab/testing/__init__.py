"""Contracts that plug-ins inherit: every test of ours becomes a test of yours."""

from droplab.testing.sinks import ReadBack, SinkContract, write_ledger

__all__ = ["ReadBack", "SinkContract", "write_ledger"]

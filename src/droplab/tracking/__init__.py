"""Sinks: W&B, Trackio, MLflow and TensorBoard, fed from the ledger so that training never waits for them."""

from droplab.tracking.follow import Follower, mirror, sink_runs
from droplab.tracking.own import own_runs, write_verdict
from droplab.tracking.registry import SINKS, check_sinks, make_sink
from droplab.tracking.tracker import Tracker

__all__ = [
    "SINKS",
    "Follower",
    "Tracker",
    "check_sinks",
    "make_sink",
    "mirror",
    "own_runs",
    "sink_runs",
    "write_verdict",
]

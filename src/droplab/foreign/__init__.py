"""Runs that others recorded, as the record that a ledger gives; no torch, and no library before its files are read."""

from droplab.foreign.build import build
from droplab.foreign.measures import wanted_measures
from droplab.foreign.read import FORMATS, read_runs
from droplab.foreign.wanted import Wanted

__all__ = ["FORMATS", "Wanted", "build", "read_runs", "wanted_measures"]

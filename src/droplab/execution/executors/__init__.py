"""Executors: where runs are carried out."""

from droplab.execution.executors.base import Driver, Executor, RunSet
from droplab.execution.executors.process import ProcessExecutor, Work
from droplab.execution.executors.serial import SerialExecutor

__all__ = ["Driver", "Executor", "ProcessExecutor", "RunSet", "SerialExecutor", "Work"]

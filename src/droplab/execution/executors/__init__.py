"""Executors: where runs are carried out."""

from droplab.execution.executors.base import Driver, Ending, Executor, Opened, RunSet
from droplab.execution.executors.process import ProcessExecutor
from droplab.execution.executors.serial import Here, SerialExecutor

__all__ = ["Driver", "Ending", "Executor", "Here", "Opened", "ProcessExecutor", "RunSet", "SerialExecutor"]

"""Executors: where runs are carried out."""

from droplab.experiment.executors.base import Driver, Executor, RunSet
from droplab.experiment.executors.process import ProcessExecutor
from droplab.experiment.executors.serial import SerialExecutor

__all__ = ["Driver", "Executor", "ProcessExecutor", "RunSet", "SerialExecutor"]

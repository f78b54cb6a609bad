"""Choose executor, threads and precision by measuring them on this machine, with this experiment."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from droplab.experiment.allocator import keep_freed_memory
from droplab.experiment.environment import cores
from droplab.experiment.executors import Job, ProcessExecutor
from droplab.experiment.run import Plan
from droplab.experiment.spec import ExperimentSpec
from droplab.experiment.speed import training_speed
from droplab.experiment.tensors import Workbench

_SECONDS = 1.0
"""Length of each measurement, after a warm-up."""
_TURNS = 3
"""Precisions are measured in turns and the best turn counts, so that a busy moment of the machine decides nothing."""
_WORTH_WORKERS = 20.0
"""Run sets shorter than this many seconds are not worth starting worker processes for."""


def choose_device(name: str) -> torch.device:
    """``auto`` is the GPU where torch sees one, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def choose_plan(
    spec: ExperimentSpec,
    bench: Workbench,
    runs: int,
    data_dir: Path | None,
    fingerprint: str,
    say: Callable[[str], None],
    directory: Path | None = None,
) -> tuple[Plan, dict[str, Any], ProcessExecutor | None]:
    """The plan that finishes the run set first, what was measured, and the workers if they are running.

    What the spec fixes is not measured. Estimated seconds of the run set, with r images per second::

        serial    runs · epochs · images / r
        process   ⌈runs / workers⌉ · epochs · images / (r of all workers together / workers)

    Returns:
        The plan; the figures, for the ledger; and a started ``ProcessExecutor`` where that was chosen by
        measurement, to be used and closed by the caller.
    """
    compute, figures = spec.compute, dict[str, Any]()
    serial_threads = compute.threads or cores()
    workers = compute.workers or (cores() if compute.threads is None else max(1, cores() // compute.threads))
    base = Plan("serial", 1, serial_threads, "float32", str(bench.device))
    keep_freed_memory()
    before = torch.get_num_threads()
    torch.set_num_threads(serial_threads)
    try:
        base = replace(base, precision=_choose_precision(spec, bench, figures))
        shared = replace(
            base, executor="process", workers=workers, threads=compute.threads or max(1, cores() // workers)
        )
        if compute.executor != "auto":
            return (base if compute.executor == "serial" else shared), figures, None
        if bench.device.type != "cpu" or runs < 2 or workers < 2:
            return base, figures, None
        if f"serial_{base.precision}" not in figures:
            figures[f"serial_{base.precision}"] = training_speed(spec, bench, base.precision, _SECONDS)
    finally:
        torch.set_num_threads(before)
    images = spec.recipe.epochs * len(bench.train)
    serial_seconds = runs * images / figures[f"serial_{base.precision}"]
    figures["serial_seconds"] = serial_seconds
    if serial_seconds < _WORTH_WORKERS:
        return base, figures, None
    started = min(workers, runs)
    say(f"measuring whether {started} runs at a time finish sooner than one ...")
    executor = ProcessExecutor(Job(spec, shared, data_dir, fingerprint, directory or Path.cwd()))
    try:
        executor.start(runs)
        together = executor.speed(_SECONDS)
    except BaseException:
        executor.__exit__(None, None, None)
        raise
    figures[f"process_{base.precision}"] = together
    figures["process_seconds"] = math.ceil(runs / started) * images / (together / started)
    if figures["process_seconds"] < serial_seconds:
        return shared, figures, executor
    executor.__exit__(None, None, None)
    return base, figures, None


def _choose_precision(spec: ExperimentSpec, bench: Workbench, figures: dict[str, Any]) -> str:
    if spec.recipe.precision != "auto":
        return spec.recipe.precision
    for precision in ("float32", "bfloat16") * _TURNS:
        key, speed = f"serial_{precision}", training_speed(spec, bench, precision, _SECONDS / _TURNS)
        figures[key] = max(figures.get(key, 0.0), speed)
    return "bfloat16" if figures["serial_bfloat16"] > 1.1 * figures["serial_float32"] else "float32"

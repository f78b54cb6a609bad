"""Choose executor, threads and precision by measuring them on this machine, with this experiment."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from droplab.errors import SpecError, quote, quote_text
from droplab.execution.environment import cores
from droplab.execution.executors import ProcessExecutor
from droplab.execution.experiment import ChosenPlan
from droplab.execution.house_set import HouseSet, terms_for
from droplab.execution.plan import Plan
from droplab.execution.runs import LoopRuns
from droplab.records import Notice
from droplab.spec.experiment import ExperimentSpec
from droplab.spec.tables import ComputeSpec
from droplab.training.allocator import keep_freed_memory
from droplab.training.loop import HouseLoop
from droplab.training.samples import RunData
from droplab.training.speed import training_speed

_SECONDS = 1.0
"""Length of each measurement, after a warm-up."""
_TURN_SECONDS = _SECONDS / 3
_WORTH = 1.1
"""How many times as fast bfloat16 must be to be taken."""
_LEAD = 3
_MOST_TURNS = 9
"""Precisions are measured in turns, side by side, until one has won that many more turns than the other: a busy moment
of the machine decides nothing, and the same machine decides the same way. Where no lead comes, it is float32."""
_WORTH_WORKERS = 20.0
"""Run sets shorter than this many seconds are not worth starting worker processes for."""


def choose_device(name: str) -> torch.device:
    """``auto`` is the GPU where torch sees one, else the CPU.

    Raises:
        SpecError: no device of torch, or none that this machine has.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        (torch.ones((), device=device) + 1).item()  # the meta device refuses here
    except Exception as problem:
        why = quote_text(problem).strip().split("\n", maxsplit=1)[0].rstrip(".")
        raise SpecError(
            [f"compute.device: got {quote(name)}; {why}. Write auto, or a device that this machine has: {_devices()}"]
        ) from problem
    return device


def _devices() -> str:
    found = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    found += ["mps"] if torch.backends.mps.is_available() else []
    return ", ".join(["cpu", *found])


def plan_on_ray(compute: ComputeSpec, precision: str) -> Plan:
    """How many runs there are at a time the cluster decides; what each has is the same on every node.

    >>> plan_on_ray(ComputeSpec(executor="ray", cpus_per_run=1.5, gpus_per_run=0.5), "float32")
    Plan(executor='ray', workers=0, threads=2, precision='float32', device='cuda')
    """
    device = compute.device if compute.device != "auto" else "cuda" if compute.gpus_per_run else "cpu"
    return Plan("ray", 0, compute.threads or math.ceil(compute.cpus_per_run or 1), precision, device)


def choose_plan(
    spec: ExperimentSpec,
    data: RunData,
    runs: int,
    data_dir: Path | None,
    fingerprint: str,
    say: Callable[[str], None],
    directory: Path | None = None,
) -> ChosenPlan:
    """The plan that finishes the run set first, what was measured, and the workers if they are running.

    What the spec fixes is not measured. Estimated seconds of the run set, with r images per second::

        serial    runs · epochs · images / r
        process   ⌈runs / workers⌉ · epochs · images / (r of all workers together / workers)

    Returns:
        With a started ``ProcessExecutor`` where that was chosen by measurement.
    """
    compute, figures = spec.compute, dict[str, Any]()
    serial_threads = compute.threads or cores()
    workers = compute.workers or (cores() if compute.threads is None else max(1, cores() // compute.threads))
    base = Plan("serial", 1, serial_threads, "float32", str(data.device))
    keep_freed_memory()
    before = torch.get_num_threads()
    torch.set_num_threads(serial_threads)
    try:
        base = replace(base, precision=_choose_precision(spec, data, figures))
        shared = replace(
            base, executor="process", workers=workers, threads=compute.threads or max(1, cores() // workers)
        )
        if compute.executor == "ray":
            return ChosenPlan(plan_on_ray(compute, base.precision), figures)
        if compute.executor != "auto":
            return ChosenPlan(base if compute.executor == "serial" else shared, figures)
        if data.device.type != "cpu" or runs < 2 or workers < 2:
            return ChosenPlan(base, figures)
        if f"serial_{base.precision}" not in figures:
            figures[f"serial_{base.precision}"] = training_speed(spec, data, base.precision, _SECONDS)
    finally:
        torch.set_num_threads(before)
    images = spec.recipe.epochs * max(len(data.of(arm).train) for arm in spec.arms)
    serial_seconds = runs * images / figures[f"serial_{base.precision}"]
    figures["serial_seconds"] = serial_seconds
    if serial_seconds < _WORTH_WORKERS:
        return ChosenPlan(base, figures)
    started = min(workers, runs)
    say(f"measuring whether {started} runs at a time finish sooner than one ...")
    terms = terms_for(data)
    executor = ProcessExecutor(HouseSet(spec, shared, terms, data_dir, fingerprint, directory or Path.cwd()))
    try:
        executor.start(runs)
        together = sum(executor.ask(_speed, _SECONDS))
    except BaseException:
        executor.__exit__(None, None, None)
        raise
    figures[f"process_{base.precision}"] = together
    figures["process_seconds"] = math.ceil(runs / started) * images / (together / started)
    if figures["process_seconds"] < serial_seconds:
        return ChosenPlan(shared, figures, executor)
    executor.__exit__(None, None, None)
    return ChosenPlan(base, figures)


def _speed(runs: LoopRuns, seconds: float) -> float:
    """Images per second, in a worker."""
    loop = runs.loop
    assert isinstance(loop, HouseLoop)
    data, _ = loop.data.of(loop.spec.seeds[0])
    return training_speed(loop.spec, data, loop.precision, seconds)


def _choose_precision(spec: ExperimentSpec, data: RunData, figures: dict[str, Any]) -> str:
    if spec.recipe.precision != "auto":
        return spec.recipe.precision
    lead = turns = 0
    while abs(lead) < _LEAD and turns < _MOST_TURNS:
        speeds = {name: training_speed(spec, data, name, _TURN_SECONDS) for name in ("float32", "bfloat16")}
        for precision, speed in speeds.items():
            key = f"serial_{precision}"
            figures[key] = max(figures.get(key, 0.0), speed)
        lead += 1 if speeds["bfloat16"] > _WORTH * speeds["float32"] else -1
        turns += 1
    figures["precision_turns"] = turns
    return "bfloat16" if lead >= _LEAD else "float32"


def precision_notices(spec: ExperimentSpec, plan: Plan, figures: Mapping[str, Any]) -> tuple[Notice, ...]:
    """That a measurement chose the precision, where one did: results depend on it."""
    if spec.recipe.precision != "auto":
        return ()
    ratio = figures["serial_bfloat16"] / figures["serial_float32"]
    return (Notice("precision", detail={"precision": plan.precision, "ratio": ratio}),)

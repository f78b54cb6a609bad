"""To a cluster, and what is looked at there before a run is sent."""

from __future__ import annotations

import logging
import os
import platform
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from droplab._version import __version__
from droplab.errors import FailureError, UserError, words_of
from droplab.spec.tables import ComputeSpec

try:
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError:
    raise FailureError("executor = 'ray' needs a package that is not here: pip install 'droplab[ray]'") from None

from droplab.execution.executors.cluster.task import looks

_SECONDS = 60.0
"""How long a node may take to say what it has."""
_looked: list[bool] = []
"""While a cluster is connected to that was looked at."""


@contextmanager
def connected(compute: ComputeSpec, directory: Path) -> Iterator[None]:
    """Within it there is a cluster that can carry out the runs; one that somebody has connected to stays so.

    Args:
        compute: its address, and what a run asks for.
        directory: where the experiment's own modules are looked for.

    Raises:
        UserError: no node has what a run asks for; a node has other versions, or lacks a package.
        FailureError: the cluster cannot be reached.
    """
    if ray.is_initialized():
        if not _looked:
            check(compute, directory)
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # of a cluster that begins here
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "namespace": "droplab"}
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=compute.address, **quiet)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)  # Ray's would end the driver at once
    except Exception as problem:
        where = f"the Ray cluster at {compute.address}" if compute.address else "a Ray cluster on this machine"
        raise FailureError(
            f"{where} cannot be had: {words_of(problem)}. `ray status` on its head node says whether it runs. Where "
            "that was started with a token, the driver needs the token and RAY_AUTH_MODE=token, which Ray does not "
            "choose by itself at an address. compute.executor = 'process' does without a cluster"
        ) from problem
    try:
        check(compute, directory)
        _looked.append(True)
        yield
    finally:
        _looked.clear()
        ray.shutdown()


def asked(compute: ComputeSpec, threads: int) -> dict[str, float]:
    """What each run holds on its node, in Ray's words."""
    return {"num_cpus": compute.cpus_per_run or threads, "num_gpus": compute.gpus_per_run or 0}


def check(compute: ComputeSpec, directory: Path) -> None:
    """Look at what the nodes have; see ``connected``."""
    nodes = [node for node in ray.nodes() if node["Alive"]]
    for name, word, wanted in (
        ("CPU", "compute.cpus_per_run", compute.cpus_per_run or compute.threads or 1),
        ("GPU", "compute.gpus_per_run", compute.gpus_per_run or 0),
    ):
        most = max((node["Resources"].get(name, 0.0) for node in nodes), default=0.0)
        if wanted > most:
            raise UserError(
                f"{word}: a run asks for {wanted:g} {name}s, and the largest node of the cluster has {most:g}"
            )
    here = {"python": platform.python_version(), "torch": torch.__version__, "droplab": __version__}
    look = ray.remote(num_cpus=0, max_retries=0)(looks())
    for node in nodes:
        where = f"the node {node['NodeManagerHostname']} ({node['NodeID'][:6]})"
        there = look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False))
        try:
            found = ray.get(there.remote(str(directory)), timeout=_SECONDS)
        except ray.exceptions.RayError as problem:
            raise FailureError(f"{where} does not answer: {words_of(problem)}") from problem
        for name, version in here.items():
            if found[name] != version:
                raise UserError(
                    f"{where}: its {name} is {found[name]}, and the driver has {version}. Runs are compared, so all "
                    "nodes have the same: install it there, as here"
                )

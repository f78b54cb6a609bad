"""Two nodes of a Ray cluster on this machine, each with one CPU, with a token of their own."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[3]
PATIENCE = 240.0
"""Seconds. Ray takes a node for lost when it has not answered five times (``health_check_failure_threshold``), with
10 s of patience each (``…_timeout_ms``) and 3 s in between (``…_period_ms``): after 65 s. Others may run too."""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Nodes:
    """``ray start --block`` twice; ends with the processes that it has started."""

    def __init__(self, folder: Path) -> None:
        token = folder / "token"
        token.write_text(secrets.token_hex(32), encoding="utf-8")
        self.environment = {
            **os.environ,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        }
        self.address = f"127.0.0.1:{free_port()}"
        self._folder = folder
        port = self.address.rpartition(":")[2]
        self._head = self._start("head", "--head", "--port", port, "--include-dashboard=false")
        self._until("head")
        self._second = self._start("second", "--address", self.address)
        self._until("second")

    def _start(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        command = [str(Path(sys.executable).with_name("ray")), "start", "--block", "--num-cpus", "1", *words]
        with (self._folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [*command, "--object-store-memory", "100000000", "--disable-usage-stats"],
                env=self.environment, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                start_new_session=True, cwd=self._folder,
            )  # fmt: skip

    def _until(self, name: str) -> None:
        for _ in range(int(PATIENCE * 2)):
            if "Ray runtime started" in (self._folder / f"{name}.log").read_text(errors="replace"):
                return
            time.sleep(0.5)
        raise AssertionError((self._folder / f"{name}.log").read_text(errors="replace"))

    def kill_second(self) -> None:
        """As when its machine loses power."""
        kill_tree(self._second)

    def close(self) -> None:
        for one in (self._second, self._head):
            kill_tree(one)


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """A process that was started here, and all that it has started; all stand still before the first one ends."""
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(process.pid)
        root.send_signal(signal.SIGSTOP)
        every = [root, *root.children(recursive=True)]
        for what in (signal.SIGSTOP, signal.SIGKILL):
            for one in every:
                with suppress(psutil.NoSuchProcess):
                    one.send_signal(what)
    process.wait()

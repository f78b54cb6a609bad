"""A board that answers real requests on a port of its own."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from droplab.board.serving import listen, server_of
from droplab.board.wake import Wake
from droplab.board.watcher import Watcher
from droplab.cli.translating import translate
from tests.report.conftest import browser  # noqa: F401  # a fixture

PATIENCE = 120.0
"""Seconds for what is there within one, where the machine has nothing else to do."""


class Asked:
    """A running board, and a client of it."""

    def __init__(self, port: int, watcher: Watcher) -> None:
        self.port = port
        self.watcher = watcher
        self.address = f"http://127.0.0.1:{port}/"

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
        """Status, headers and text; header names have ``_`` for ``-``."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        link.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            link.putheader(name.replace("_", "-"), value)
        link.endheaders()
        answer = link.getresponse()
        found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
        link.close()
        return found

    @contextmanager
    def events(self, path: str) -> Iterator[Iterator[tuple[str, dict]]]:
        """Versions and data of a stream."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as link:
            link.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            lines = link.makefile(encoding="utf-8")

            def told() -> Iterator[tuple[str, dict]]:
                version = ""
                for line in lines:
                    if line.startswith("id: "):
                        version = line[4:].strip()
                    if line.startswith("data: "):
                        yield version, json.loads(line[6:])

            yield told()
            lines.close()

    def page(self, name: str) -> str:
        """The path of an experiment's page."""
        return f"/x/{next(one.id for _, one in self.watcher.experiments() if one.folder.name == name)}/"

    def row(self, name: str, good) -> dict:
        """The list's row of an experiment, as soon as it is as it should be."""
        rows: dict[str, dict] = {}
        with self.events("/events") as told:
            for _, data in told:
                rows |= {row["name"]: row for row in data["rows"]}
                if name in rows and good(rows[name]):
                    return rows[name]
        raise AssertionError(rows)


@contextmanager
def serving(*places: Path) -> Iterator[Asked]:
    wake = Wake()
    watcher = Watcher(places, "en", translate, wake.now)
    listening = listen("127.0.0.1", 0)
    server = server_of(watcher, wake, "en")
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    watcher.start()
    thread.start()
    try:
        yield Asked(listening.getsockname()[1], watcher)
    finally:
        server.should_exit = True
        wake.end()
        thread.join(PATIENCE)
        watcher.stop()
        listening.close()
        assert not thread.is_alive()


@pytest.fixture
def board(tmp_path) -> Iterator[Asked]:
    """One that watches ``tmp_path / "runs"``, which is not there yet."""
    with serving(tmp_path / "runs") as asked:
        yield asked


def data_of(text: str) -> dict:
    """What a page was given, one that follows or a file."""
    return json.loads(re.search(r'<script type="application/json" id="data"[^>]*>(.*?)</script>', text, re.DOTALL)[1])


def until(good) -> None:
    """Wait for something."""
    end = time.monotonic() + PATIENCE
    while not good():
        assert time.monotonic() < end
        time.sleep(0.02)

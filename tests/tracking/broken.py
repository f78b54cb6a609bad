"""Sinks that misbehave, and small ones that do not."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict


class Well:
    def __init__(self, folder):
        self.folder = folder

    def start(self, run):
        return 0

    def epoch(self, run, measurement):
        pass

    def end(self, run, state, reason):
        pass

    def close(self):
        return ("all well",)


class Raises(Well):
    def epoch(self, run, measurement):
        raise RuntimeError("no more <b>room</b>")


class RaisesAtOnce(Well):
    def __init__(self, folder):
        raise OSError("cannot begin")


class Hangs(Well):
    def epoch(self, run, measurement):
        time.sleep(3600)


class Dies(Well):
    def epoch(self, run, measurement):
        os._exit(7)


class Talks(Well):
    def end(self, run, state, reason):
        raise ConnectionError(f"no answer from {os.environ.get('SINK_ADDRESS', '')}")


class KeepsNothing(Well):
    def conclude(self, conclusion):
        """As somebody writes it who wants nothing anew."""


class Concludes(Well):
    def conclude(self, conclusion):
        (self.folder / "concluded.json").write_text(json.dumps(asdict(conclusion)), encoding="utf-8")
        return ()

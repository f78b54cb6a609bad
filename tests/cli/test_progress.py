"""What is shown while runs train on a cluster."""

from __future__ import annotations

import io

from rich.console import Console
from rich.live import Live

from droplab.cli.progress import LiveProgress, PlainProgress, describe_plan
from droplab.records import RunKey
from tests.analysis.records import record

PLAN = {"executor": "ray", "workers": 0, "threads": 1, "precision": "float32", "device": "cpu"}
RECORD = record({arm: [{"val_loss": [1.0]}] for arm in ("none", "some")})
KEY = RunKey("some", 0)


def shown(display, stream):
    before = stream.tell()
    display._live.refresh()
    return stream.getvalue()[before:]


def test_the_node_of_a_run_stands_in_its_cell_while_it_trains():
    stream = io.StringIO()
    console = Console(file=stream, width=100, force_terminal=True)
    with Live(console=console, auto_refresh=False) as live:
        display = LiveProgress(console, live)
        display.opened(RECORD, PLAN, "out")
        display.placed(KEY, "host[red] abc123")
        assert "host[red] abc123" in shown(display, stream)
        display.ended(KEY, "done", "")
        assert "abc123" not in shown(display, stream)


def test_plain_lines_and_the_plan():
    stream = io.StringIO()
    display = PlainProgress(Console(file=stream, width=100))
    display.placed(KEY, "host abc123")
    assert stream.getvalue() == f"{KEY}: on host abc123\n"
    assert ", as many runs at a time as the Ray cluster holds, 1 thread each" in describe_plan(RECORD, PLAN, "out")

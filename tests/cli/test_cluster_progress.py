"""What is shown while runs train on a cluster."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.live import Live

from droplab.cli.progress import LiveProgress, PlainProgress, describe_plan
from droplab.records import RunKey
from tests.analysis.records import record

PLAN = {"executor": "ray", "workers": 0, "threads": 1, "precision": "float32", "device": "cpu"}
RECORD = record({arm: [{"val_loss": [1.0]}] for arm in ("none", "some")})
KEY = RunKey("some", 0)


@pytest.mark.parametrize(
    ("lang", "placed", "plan"),
    [
        (
            "en",
            "some · seed 0: on the node host[red] abc123",
            "as many runs at a time as the Ray cluster holds, 1 thread",
        ),
        ("ja", "some · seed 0: ノード host[red] abc123 で開始", "Ray クラスタの空きに応じて並行"),
    ],
)
def test_the_node_of_each_run_is_told(lang, placed, plan):
    stream = io.StringIO()
    console = Console(file=stream, width=100)
    with Live(console=console, auto_refresh=False) as live:
        for display in (PlainProgress(console, lang), LiveProgress(console, live, lang)):
            display.placed(KEY, "host[red] abc123")
    assert stream.getvalue().count(placed) == 2
    assert plan in describe_plan(RECORD, PLAN, "out", lang)

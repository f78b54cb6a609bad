"""What the terminal shows while training: recordings in ``golden/``, which ``GOLDEN=write`` writes anew."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from rich.console import Console
from rich.live import Live

from droplab.align import width
from droplab.cli.progress import LiveProgress, PlainProgress
from droplab.cli.standing import Clock
from droplab.records import ExperimentRecord, Measurement, RunKey, RunRecord

GOLDEN = Path(__file__).parent / "golden"
PLAN = {"executor": "process", "workers": 2, "threads": 1, "precision": "float32", "device": "cpu"}
REASON = (
    "NaN or infinity began in conv2, at step {} (epoch 1). Try a lower learning rate (recipe.lr), float32 precision, "
    "or check the data for outliers."
)


def planned(arms, seeds, epochs, done=(), **more):
    """An experiment of which runs were finished before."""
    names = ("no dropout", *(f"dropout at place {at} with p {at / 100:.2f}" for at in range(1, arms)))
    keys = [RunKey(arm, seed) for arm in names for seed in range(seeds)]
    metrics = {"val_loss": (0.9, 0.75), "val_accuracy": (0.7, 0.8)}
    runs = {key: RunRecord(key, "planned", 0) for key in keys}
    runs |= {keys[at]: RunRecord(keys[at], "done", epochs, metrics=metrics) for at in done}
    sizes = {"train": 100, "fit": 100, "validation": 100, "test": 100}
    return ExperimentRecord("forty", "0", {}, names, names[0], tuple(range(seeds)), epochs, runs, sizes, **more)


def drive(display, record, clock, runs):
    """Train so many runs, of which every 11th fails and the last two are still at it."""
    display.opened(record, PLAN, "droplab-runs/forty")
    open_ = [key for key, run in record.runs.items() if run.state != "done"][:runs]
    for at, key in enumerate(open_):
        display.started(key)
        ends = at < runs - 2
        for epoch in range(record.epochs if ends else record.epochs // 2):
            clock[0] += 1.5
            figures = {"val_loss": 0.7 + 0.01 * (at % 7), "val_accuracy": 0.8, "images_per_second": 1234.0}
            display.epoch(key, Measurement(epoch, figures))
            if at % 11 == 5 and epoch:
                display.ended(key, "failed", REASON.format(at))
                break
        else:
            if ends:
                display.ended(key, "done", "")


def live(columns, height, lang, record, runs, colour=None):
    """The lines above the board, and those of it."""
    clock = [0.0]
    out = io.StringIO()
    console = Console(
        file=out, width=columns, height=height, force_terminal=True, color_system=colour, legacy_windows=False
    )
    display = LiveProgress(
        console, shown := Live(console=console, auto_refresh=False), lang, lambda: Clock(lambda: clock[0])
    )
    drive(display, record, clock, runs)
    return out.getvalue(), shown.renderable.lines(columns, height)


def compare(name, text):
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize(("columns", "height"), [(80, 24), (120, 40)])
def test_forty_arms_of_twelve_seeds(columns, height, lang):
    above, board = live(columns, height, lang, planned(40, 12, 4), 30)
    assert len(board) < height
    assert max(width(line) for line in above.splitlines()) <= columns
    assert max(line.cell_len for line in board) <= columns
    assert {"en": "time left 45:06", "ja": "残り時間 45:06"}[lang] in board[-1].plain
    compare(f"forty-{columns}x{height}-{lang}", above + "\n".join(line.plain for line in board) + "\n")


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_a_small_experiment_that_was_resumed(lang):
    """What was seen before is still there; a reason is said once."""
    above, board = live(80, 24, lang, planned(3, 9, 4, done=(0, 1)), 20)
    assert above.count("conv2") == 1
    assert max(width(line) for line in above.splitlines()) <= 80
    compare(f"resumed-80x24-{lang}", above + "\n".join(line.plain for line in board) + "\n")


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_plain_lines_where_it_is_piped(lang):
    clock, out = [0.0], io.StringIO()
    display = PlainProgress(Console(file=out, width=80), lang, lambda: Clock(lambda: clock[0]))
    drive(display, planned(2, 4, 2), clock, 8)
    assert "\x1b" not in out.getvalue()
    compare(f"piped-{lang}", out.getvalue())


def test_what_a_plan_of_looks_has_decided_is_shown():
    looks = {"set": "2", "margin": None, "looks": [3, 5], "alpha": 0.05}
    record = planned(3, 5, 2, endpoints=looks)
    arms = dict(zip(record.arms, ((0.9, 0.91, 0.9), (0.1, 0.11, 0.1), (0.9, 0.7, 1.0)), strict=True))
    runs = dict(record.runs)
    for arm, values in arms.items():
        for seed, value in enumerate(values):
            folds = {"val_loss": (tuple((value * 10, 10.0) for _ in range(2)),) * 2}
            metrics = {"val_loss": (value, value), "val_accuracy": (0.5, 0.5)}
            runs[RunKey(arm, seed)] = RunRecord(RunKey(arm, seed), "done", 2, metrics=metrics, folds=folds)
    later = ExperimentRecord(**{**vars(record), "runs": runs})
    clock, console = [0.0], Console(file=io.StringIO(), width=120, height=24, force_terminal=True)
    display = LiveProgress(console, shown := Live(console=console, auto_refresh=False), "en", Clock)
    display.opened(later, PLAN, "x")
    display.round(later, [RunKey(arm, seed) for arm in (record.arms[0], record.arms[2]) for seed in (3, 4)])
    board = shown.renderable.lines(120, 24)
    better = next(line for line in board if line.plain.startswith(record.arms[1]))
    assert better.plain.endswith("better")
    assert "■■■··  3/3" in better.plain
    assert any("blue" in str(span.style) for span in better.spans)
    assert "time left to the next look" in board[-1].plain
    assert clock == [0.0]


@pytest.mark.parametrize("no_colour", [False, True])
def test_colours_are_left_out_where_nobody_wants_them(monkeypatch, no_colour):
    if no_colour:
        monkeypatch.setenv("NO_COLOR", "1")
    else:
        monkeypatch.delenv("NO_COLOR", raising=False)
    _, board = live(80, 24, "en", planned(2, 2, 2), 4)
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True, color_system="standard", legacy_windows=False)
    for line in board:
        console.print(line)
    assert ("\x1b[36m" in out.getvalue()) is not no_colour

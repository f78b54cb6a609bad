"""What cannot be read or judged is said, tried again at a pace, and forgotten when it can be."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from droplab.board import watched as room
from droplab.board.watched import Watched
from droplab.board.watcher import Watcher
from droplab.cli.translating import translate
from droplab.ledger import FILE_NAME, Ledger
from droplab.records import RunKey
from tests.board.conftest import until
from tests.board.ledgers import ARMS, begin, epoch, train

KEY = RunKey(ARMS[0], 0)


@pytest.fixture
def folder(tmp_path):
    with begin(tmp_path / "one") as ledger:
        train(ledger, KEY, 2)
    return tmp_path / "one"


def seen_of(folder, monkeypatch) -> Watched:
    monkeypatch.setattr("droplab.board.stamp._SURE_SECONDS", 0.0)
    return Watched(folder, "en", translate)


def test_a_ledger_that_could_not_be_opened_for_a_while_is_read_again(folder, monkeypatch):
    monkeypatch.setattr(room, "_AGAIN_SECONDS", 0.5)
    watched = seen_of(folder, monkeypatch)
    opened, tried = room.open_experiment, []

    def away(folder):
        tried.append(folder)
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(room, "open_experiment", away)
    assert watched.look()
    assert "Too many open files" in watched.trouble
    assert not watched.look()  # nor is it tried at once
    assert len(tried) == 1
    monkeypatch.setattr(room, "open_experiment", opened)
    until(watched.look)
    assert (watched.trouble, watched.record.runs[KEY].epochs_done) == ("", 2)


def test_what_cannot_be_judged_is_not_forgotten_at_the_next_epoch(folder, monkeypatch):
    watched = seen_of(folder, monkeypatch)
    assert watched.look()
    assert watched.failed(ValueError("odd"))
    with Ledger.open(folder / FILE_NAME) as ledger:
        ledger.set_state(RunKey(ARMS[1], 0), "running")
        epoch(ledger, RunKey(ARMS[1], 0), 0)
        assert watched.look()
        assert watched.trouble == "ValueError: odd"
        assert watched.judge()
        assert watched.trouble == ""


def test_what_fails_is_not_judged_at_every_look(folder, monkeypatch):
    tried = []

    def fails(record):
        tried.append(time.monotonic())
        end = time.thread_time() + 0.02
        while time.thread_time() < end:
            pass
        raise ValueError("odd")

    monkeypatch.setattr(room, "judge", fails)
    monkeypatch.setattr("droplab.board.watcher._STILL_SECONDS", 0.0)
    watcher = Watcher([folder], "en", translate, lambda: None)
    watcher.start()
    try:
        with watcher.reader(None):
            until(lambda: len(tried) >= 3)
    finally:
        watcher.stop()
    assert all(b - a > 0.9 for a, b in pairwise(tried))  # 2 % of a core

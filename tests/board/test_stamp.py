"""What the file system says of a ledger changes with what is written, and not with who reads."""

from __future__ import annotations

import os
import time

import pytest

from droplab.board.stamp import stamp
from droplab.ledger import FILE_NAME, LedgerReader
from droplab.records import RunKey
from tests.board.ledgers import ARMS, begin, epoch


def test_reading_changes_nothing_and_every_commit_something(tmp_path):
    path = tmp_path / FILE_NAME
    assert stamp(path).parts == ()
    with begin(tmp_path) as ledger:
        seen = [stamp(path).parts]
        for number in range(3):
            epoch(ledger, RunKey(ARMS[0], 0), number)
            seen.append(stamp(path).parts)
        ledger.fold()
        seen.append(stamp(path).parts)
    closed = stamp(path)
    seen.append(closed.parts)
    assert len(set(seen)) >= 5  # closing may change nothing after the log is folded
    with LedgerReader.open(path) as reader:
        reader.read()
        assert stamp(path).parts == closed.parts
    assert stamp(path).parts == closed.parts
    assert stamp(path).changed == closed.changed > 0


@pytest.mark.parametrize(
    ("tick", "ago", "sure"), [(1, 0.01, False), (1, 0.5, True), (10**9, 0.5, False), (10**9, 4.0, True)]
)
def test_equal_times_are_trusted_as_far_as_the_file_system_tells_them_apart(tmp_path, tick, ago, sure):
    path = tmp_path / FILE_NAME
    path.write_bytes(b"x")
    written = (time.time_ns() - round(ago * 1e9)) // tick * tick
    os.utime(path, ns=(written, written))
    assert stamp(path).sure is sure

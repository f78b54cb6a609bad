"""What the file system says of a ledger changes with what is written, and not with who reads."""

from __future__ import annotations

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

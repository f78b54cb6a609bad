"""Where experiments are looked for, and where not."""

from __future__ import annotations

import os
from pathlib import Path

from droplab.board.finding import find, identity
from droplab.cli.board import board
from droplab.execution.folder import HOME
from droplab.ledger import FILE_NAME


def test_experiments_at_and_under_a_place(tmp_path):
    for name in ("b", "a", "group/c", "a/inside", ".hidden/d", "1/2/3/deep", "1/2/e"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / FILE_NAME).touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    found = [str(folder.relative_to(tmp_path)) for folder in find(tmp_path)]
    assert found == ["a", "b", "group/c", "1/2/e"]
    assert list(find(tmp_path / "a")) == [tmp_path / "a"]
    assert list(find(tmp_path / "loop" / "b")) == [tmp_path / "loop" / "b"]
    assert len({identity(folder) for folder in find(tmp_path)}) == 4


def test_folders_that_are_closed_to_us_hold_nothing(tmp_path, monkeypatch):
    for name in ("closed", "one"):
        (tmp_path / name).mkdir()
    (tmp_path / "one" / FILE_NAME).touch()
    stat = os.stat

    def refusing(path, **options):
        if "closed" in Path(path).parts:  # root may look everywhere
            raise PermissionError(13, "Permission denied", path)
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", refusing)
    assert list(find(tmp_path)) == [tmp_path / "one"]


def test_the_usual_place_is_where_experiments_go():
    assert f"(default: {HOME})" in board.__doc__

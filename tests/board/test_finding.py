"""Where experiments are looked for, and where not."""

from __future__ import annotations

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


def test_the_usual_place_is_where_experiments_go():
    assert f"(default: {HOME})" in board.__doc__

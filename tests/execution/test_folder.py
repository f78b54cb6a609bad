"""A folder of somebody else's: planted links, odd names, files that look like ours."""

from __future__ import annotations

import os
import sys

import pytest

from droplab.errors import DroplabError, FailureError, LockedError, SpecError, UserError
from droplab.execution import run_experiment
from droplab.execution.calibrate import choose_device
from droplab.execution.checkpoint import CheckpointStore
from droplab.execution.folder import default_folder, fresh_folder, make_folder
from droplab.execution.lock import folder_lock
from droplab.report.writing import whole_file
from tests.conftest import tiny


@pytest.mark.skipif(sys.platform == "win32", reason="links want rights there")
@pytest.mark.parametrize("name", [".probe", "lock.txt", ".report.html.partial", ".lock", "report.html"])
def test_planted_links_send_nothing_elsewhere(tmp_path, name):
    target, folder = tmp_path / "target", tmp_path / "x"
    target.write_text("precious", encoding="utf-8")
    folder.mkdir()
    (folder / name).symlink_to(target)
    try:
        make_folder(folder)
        with folder_lock(folder):
            pass
        with whole_file(folder / "report.html", replace=True) as file:
            file.write("page")
    except (DroplabError, OSError):
        assert name == ".lock"  # refused; a lock through a link would lock something else
    assert target.read_text(encoding="utf-8") == "precious"
    assert [path.name for path in folder.iterdir() if "partial" in path.name and path.name != name] == []


def test_the_lock_says_who_holds_it(tmp_path):
    locked = pytest.raises(LockedError, match=f"in use by process {os.getpid()} on")
    with folder_lock(tmp_path), locked, folder_lock(tmp_path):
        pass
    with folder_lock(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_files_are_whole_or_absent(tmp_path):
    file = tmp_path / "a.txt"
    with pytest.raises(TypeError), whole_file(file, replace=False) as stream:
        stream.writelines(["half", 3])
    assert list(tmp_path.iterdir()) == []
    with whole_file(file, replace=False) as stream:
        stream.write("one")
    with pytest.raises(UserError, match="exists already"), whole_file(file, replace=False):
        pass
    assert file.read_text(encoding="utf-8") == "one"
    for place in (".", "/", "", tmp_path):
        with pytest.raises(UserError, match="is a folder"), whole_file(tmp_path / place, replace=True):
            pass


def test_names_that_are_long_in_bytes():
    for name in ("a" * 120, "あ" * 120, "🦜" * 120, "!" * 9):
        made = default_folder(tiny(name=name)).name
        assert len(os.fsencode(made)) <= 60 + 17
    assert default_folder(tiny(name="日本")).name.startswith("日本-")


def test_a_fresh_folder_of_any_path(tmp_path, monkeypatch):
    from pathlib import Path

    monkeypatch.chdir(tmp_path)
    assert fresh_folder(Path()).name == f"{tmp_path.name}-2"
    assert fresh_folder(Path("../new")) == tmp_path.parent / "new"
    with pytest.raises(UserError, match="no name"):
        fresh_folder(Path("/"))


def test_files_that_only_look_like_checkpoints(tmp_path):
    store = CheckpointStore(tmp_path)
    store.save(2, {"a": 1})
    for name in ("epoch-abc.ckpt", "epoch-.ckpt", "epoch-9.5.ckpt", "epoch-99999999999999999999.ckpt", "epoch-²3.ckpt"):
        (tmp_path / name).write_bytes(b"x")
    assert store.latest(5).epochs_done == 2


@pytest.mark.parametrize("name", ["foo", "CPU", "", "cuda:99", "mps", "xla", "hpu", "meta", "cuda:-1", "é" * 5000])
def test_devices_that_are_none(name):
    with pytest.raises(SpecError, match=r"compute\.device: got .* this machine has: cpu") as caught:
        choose_device(name)
    assert len(str(caught.value)) < 1000


def test_workers_that_cannot_be_started(tmp_path, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("droplab.execution.executors.process._Worker", full)
    with pytest.raises(FailureError, match=r"No space left on device.*'serial' does without"):
        run_experiment(tiny(compute={"executor": "process", "workers": 2}, seeds=1), out=tmp_path / "x")

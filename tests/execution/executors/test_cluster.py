"""What of clusters needs no Ray: that nothing else does, how a loop is sent, and where its state is kept."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path

import pytest

import droplab
from droplab.errors import DesignError
from droplab.execution.carrying import packed, unpacked
from droplab.execution.checkpoint import CheckpointStore, decoded, encoded
from droplab.execution.launch import Launched
from droplab.spec import LoopSpec

SOURCE = Path(droplab.__file__).parent
CLUSTER = SOURCE / "execution" / "executors" / "cluster"


def imported(tree):
    """Modules that a file imports as it is loaded."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def test_only_the_clusters_files_load_ray():
    found = {path: set(imported(ast.parse(path.read_text(encoding="utf-8")))) for path in SOURCE.rglob("*.py")}
    loading = {path for path, names in found.items() if any(name.split(".")[0] == "ray" for name in names)}
    assert loading
    assert {path.parent for path in loading} == {CLUSTER}
    through = [path for path, names in found.items() if any(".executors.cluster" in name for name in names)]
    assert {path.parent for path in through} == {CLUSTER}


def test_without_ray_the_extra_is_named_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    for name in [name for name in sys.modules if ".executors.cluster" in name]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(droplab.FailureError, match=r"pip install 'droplab\[ray\]'"):
        droplab.compare(lambda run: None, arms=[0, 0.5], out=tmp_path / "out", compute={"executor": "ray"})
    assert not (tmp_path / "out").exists()


def test_a_script_is_no_task(tmp_path):
    (tmp_path / "train.py").write_text("", encoding="utf-8")
    loop = Launched((sys.executable, "train.py"), tmp_path)
    with pytest.raises(DesignError, match="launched on this machine, not on a cluster"):
        droplab.compare(LoopSpec(loop=loop, name="s", compute={"executor": "ray"}), out=tmp_path / "out")


def test_a_loop_goes_with_its_module_where_the_file_is_not(tmp_path, monkeypatch):
    (tmp_path / "mine_alone.py").write_text(
        "def double(x):\n    return 2 * x\n\n\ndef train(run):\n    return double(run)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    name = "mine_alone:train"
    train = importlib.import_module("mine_alone").train
    assert packed(name, train) is None
    sent = packed(name, train, by_value=True)
    monkeypatch.delitem(sys.modules, "mine_alone")
    (tmp_path / "mine_alone.py").unlink()
    importlib.invalidate_caches()
    with pytest.raises(ImportError):
        importlib.import_module("mine_alone")
    assert unpacked(name, sent)(21) == 42


def test_a_checkpoint_crosses_as_the_bytes_that_the_folder_has(tmp_path):
    here, there = CheckpointStore(tmp_path / "here"), CheckpointStore(tmp_path / "there")
    assert there.raw() is None
    state = {"value": 3.0}
    here.save(2, state)
    there.put(2, encoded(state, read_back=True))
    assert there.raw() == here.raw()
    done, raw = there.raw()
    assert (done, decoded(raw)) == (2, state)
    with pytest.raises(ValueError, match="checksum"):
        decoded(raw[:-1])
    (path,) = (tmp_path / "there").iterdir()
    path.write_bytes(raw[:-1])
    assert there.raw() is None

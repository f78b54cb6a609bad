"""The benchmarks of papers are guests: seeds, arms and figures are the door's; here on toys."""

import importlib
import sys
from pathlib import Path

import pytest
import torch

import droplab

HOME = Path(__file__).parent.parent / "benchmarks" / "papers"
TINY = {
    "concrete": ["--task", "mnist", "--sizes", "64", "--steps", "8"],
    "dropblock_rates": ["--sizes", "3", "--units", "4000"],
    "language_model": ["--languages", "english", "--epochs", "2"],
    "lora": ["--steps", "2", "--windows", "8", "--held", "8", "--epochs", "2"],
    "sparse_variational": ["--epochs", "2", "--batch", "64"],
    "srivastava_mlp": ["--size", "128", "--width", "8", "--epochs", "2"],
}


@pytest.fixture
def papers(monkeypatch, tmp_path):
    """The folder's modules, a toy in the place of MNIST, and a text."""
    monkeypatch.syspath_prepend(HOME)
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module("digits")
    draw = torch.Generator().manual_seed(0)
    x, y = torch.rand(192, 784, generator=draw), torch.randint(10, (192,), generator=draw)
    monkeypatch.setattr(module, "digits", lambda data_dir, device: module.Digits(x, y, x, y))
    for text in ("tinyshakespeare.txt", "neko.txt"):
        (tmp_path / text).write_text("to be or not to be , that is the question\n" * 300, encoding="utf-8")
    monkeypatch.setenv("DROPLAB_TEXT", str(tmp_path))
    yield
    for name in ("digits", "guest", *TINY):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("papers", "one_thread")
@pytest.mark.parametrize("name", TINY)
def test_what_it_prints_is_in_a_ledger(name, monkeypatch, capsys):
    benchmark = importlib.import_module(name)
    if name == "language_model":
        monkeypatch.setattr(benchmark, "TRAIN", 1200)
        monkeypatch.setattr(benchmark, "VALIDATION", 600)
    monkeypatch.setattr(sys, "argv", [name, "--seeds", "2", *TINY[name]])
    benchmark.main()
    printed = capsys.readouterr().out
    (folder,) = (path for path in Path("droplab-runs").iterdir() if path.is_dir())
    results = droplab.Results.read(folder)
    assert {run.state for run in results.record.runs.values()} == {"done"}
    expected = {"sparse_variational": {"ended_early"}, "dropblock_rates": {"weights_same"}}  # it has no weights
    assert {notice.code for notice in results.record.notices} == expected.get(name, set())
    first = results.record.measures[0].name
    assert all(f"val_{first}" in run.metrics for run in results.record.runs.values())
    benchmark.main()  # continues, and has nothing left to train
    assert capsys.readouterr().out.splitlines()[-1] == printed.splitlines()[-1]


def test_none_has_seeds_or_tables_of_its_own():
    for path in HOME.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not [word for word in ("import csv", "range(given.seeds", "droplab.keyed") if word in text], path.name

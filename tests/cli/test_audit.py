from __future__ import annotations

import json

import pytest

from droplab.cli import main

MODEL = """
import torch
from torch import nn

def net():
    return nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.BatchNorm1d(4), nn.Linear(4, 2))

def batch():
    return torch.ones(8, 4)

def named():
    return {"input": torch.ones(8, 4)}

def wrong():
    return torch.ones(8, 5)
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / "audited_net.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


def run(capsys, *words):
    try:
        main(["audit", *words])
        code = 0
    except SystemExit as end:
        code = end.code
    out = capsys.readouterr()
    return code, out.out, out.err


def test_text_and_json(capsys):
    code, out, _ = run(capsys, "audited_net:net", "--input", "audited_net:batch")
    assert code == 0
    assert "DL009  dropout before BatchNorm" in out
    code, out, _ = run(capsys, "audited_net:net", "--input", "audited_net:named", "--lang", "ja")
    assert (code, "BatchNorm の前のドロップアウト" in out) == (0, True)
    code, out, _ = run(capsys, "audited_net:net", "--input", "audited_net:batch", "--json")
    assert json.loads(out)["findings"][0]["code"] == "DL009"


def test_a_picture(capsys, tmp_path):
    for lang, words in (("en", "1 keyed"), ("ja", "キーあり 1")):
        code, _, _ = run(capsys, "audited_net:net", "--input", "audited_net:batch", "--svg", "net.svg", "--lang", lang)
        assert (code, words in (tmp_path / "net.svg").read_text(encoding="utf-8")) == (0, True)
    code, _, err = run(capsys, "audited_net:net", "--input", "audited_net:batch", "--svg", "no/such/net.svg")
    assert code == 1
    assert "cannot be written" in err


@pytest.mark.parametrize(
    ("wanted", "code"),
    [(("any",), 1), (("DL009",), 1), (("DL001,DL009",), 1), (("DL001",), 0), (("none",), 0), (("DL001", "DL009"), 1)],
)
def test_exit_codes(capsys, wanted, code):
    given, out, err = run(capsys, "audited_net:net", "--input", "audited_net:batch", "--fail-on", *wanted)
    assert given == code
    assert "DL009" in out  # the report is there all the same
    assert ("DL009 found, as --fail-on" in err) == bool(code)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("audited_net:net",), "Sequential says nothing of its input. Give --input"),
        (("audited_net:nte", "--input", "audited_net:batch"), "did you mean 'net'?"),
        (("audited_net", "--input", "audited_net:batch"), "pkg.module:function is wanted"),
        (("audited_net:net", "--input", "audited_net:wrong"), "the model raised RuntimeError: mat1"),
        (("audited_net:batch", "--input", "audited_net:batch"), "got a Tensor; a torch.nn.Module is wanted"),
        (("audited_net:net", "--fail-on", "DL900"), "--fail-on got 'DL900'"),
        (("audited_net:net", "--lang", "fr"), "no language 'fr'"),
    ],
)
def test_mistakes_are_said(capsys, words, said):
    code, _, err = run(capsys, *words)
    assert code == 2
    assert said in err
    assert "Traceback" not in err

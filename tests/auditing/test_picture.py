"""A picture of the model with its sites: well formed, whole, and alike drawn once."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
import torch
from torch import nn

import droplab
from droplab.auditing.tree import tree
from droplab.auditing.words import words
from tests.auditing.faults import SEQUENCE, X
from tests.auditing.test_report import full

SPACE = "{http://www.w3.org/2000/svg}"


def drawn(svg):
    root = ET.fromstring(svg)
    rows = ["".join(text.itertext()).strip() for text in root.iter(f"{SPACE}text")]
    return root, rows, [circle.get("class") for circle in root.iter(f"{SPACE}circle")][4:]


def test_every_site_is_there_and_what_is_alike_is_drawn_once():
    layer = nn.TransformerEncoderLayer(8, 2, 8, batch_first=True)
    model = nn.Sequential(nn.Linear(8, 8), nn.TransformerEncoder(layer, 3, enable_nested_tensor=False), nn.Dropout(1.0))
    audit = droplab.audit(model, SEQUENCE)
    _, rows, dots = drawn(audit.svg())
    assert rows[0] == "Sequential: 13 executing; 13 keyed, 0 seeded, 0 seen only, 0 not reachable"
    assert rows[1:5] == list(words("en")["level"].values())
    assert rows[5:8] == ["Sequential", "0  Linear", "1  TransformerEncoder"]
    assert sum("TransformerEncoderLayer" in row for row in rows) == 1
    assert "0, 1, 2 (×3)  TransformerEncoderLayer" in rows
    assert rows[-2].startswith("2  Dropout  DL005")
    assert rows[-1] == "F.dropout, p 1, 4×6×8"
    assert any(re.match(r"F\.dropout, p 0\.1, dropped \d+\.\d%, 4×6×8, \S+transformer\.py:\d+$", row) for row in rows)
    assert dots == ["keyed"] * 5


def test_modules_together_share_what_was_measured():
    root = tree([("", "Net"), ("a", "Dropout"), ("b", "Dropout")], [], [])
    assert [child.names for child in root.children] == [["a", "b"]]
    found = droplab.audit(nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5)), torch.ones(4000))
    (row,) = [row for row in drawn(found.svg())[1] if row.startswith("F.dropout")]
    share = float(re.search(r"dropped ([\d.]+)%", row)[1]) / 100
    assert share == pytest.approx(sum(one.share for one in found.executed) / 2, abs=1e-3)


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_nothing_is_wider_than_the_picture_and_no_text_is_markup(lang):
    root, rows, _ = drawn(full().svg(lang))
    assert len(rows) > 50
    assert float(root.get("height")) >= max(float(text.get("y")) for text in root.iter(f"{SPACE}text"))
    odd = droplab.audit(nn.Sequential(type("A<b>&", (nn.Dropout,), {})(0.5)), X)
    assert any("A<b>&" in row for row in drawn(odd.svg(lang))[1])
    assert "<script" not in odd.svg(lang)

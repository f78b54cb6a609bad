"""Text in both languages within 80 columns, JSON with its documented keys, and lines that ask to be ignored."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest
import torch
from torch import nn

import droplab
from droplab.auditing import Audit
from droplab.auditing.checks import CODES
from droplab.auditing.executed import Executed, Finding
from droplab.auditing.text import columns, wrapped
from droplab.auditing.words import words
from tests.auditing.faults import FAULTS, SEQUENCE, Net, X

DOCS = Path(__file__).parents[2] / "docs"


ONE = Executed(
    "encoder.layers.0.attention.self", "torch.nn.Dropout", "F.dropout", "/home/someone/models/net.py:31", "layer", 0.1,
    (8, 12, 512, 512), 1, 0.1003, 25165824, 100663296, "keyed", True, False, True, ("bernoulli_",),
)  # fmt: skip
LONG = dict.fromkeys(("function", "p", "layer", "name", "shape", "norm", "count", "ranks", "share", "kernel"), "w" * 90)


def full():
    """A report with everything in it."""
    executed = [
        dataclasses.replace(ONE, what=what, level=level, in_eval=in_eval, module=module, p=p, share=p)
        for what in words("en")["what"]
        for level in words("en")["level"]
        for in_eval in (True, False)
        for module, p in (("", None), ("a.0.b", 0.123456789), ("long" * 30, 1e-9))
    ]
    findings = [Finding(code, "where" * 9, "/a/b.py:1", LONG, note) for code in CODES for note in (True, False)]
    unchecked = dict(zip(CODES, words("en")["reasons"], strict=False))
    return Audit("Net" * 9, tuple(executed), tuple(findings * 6), tuple(findings), unchecked, complete=False)


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_text_fits_80_columns(lang):
    audit = full()
    lines = audit.text(lang).splitlines()
    assert [line for line in lines if columns(line) > 80] == []
    assert all(code in audit.text(lang) for code in CODES)
    assert json.loads(audit.json(lang))


def test_layers_that_differ_in_a_number_are_one_line():
    layer = nn.TransformerEncoderLayer(8, 2, 8, batch_first=True)
    audit = droplab.audit(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), SEQUENCE)
    assert len(audit.executed) == 8
    assert "2 × layers.*.dropout1" in audit.text()
    assert str(audit) == audit.text("en")


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_json_has_its_documented_keys(lang):
    page = (DOCS / ("audit.md" if lang == "en" else "audit.ja.md")).read_text(encoding="utf-8")
    data = json.loads(droplab.audit(FAULTS["OnLogits"][2](), X).json(lang))
    assert list(data) == ["model", "complete", "executed", "findings", "ignored", "unchecked"]
    assert set(data["executed"][0]) == set(Executed.__dataclass_fields__)
    keys = {*data, *data["executed"][0], *data["findings"][0], *data["unchecked"][0]}
    assert not [key for key in keys if f"`{key}`" not in page]
    assert data["findings"][0]["code"] == "DL008"
    assert data["unchecked"][0]["code"] == "DL013"


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_every_code_has_its_words_and_its_place_in_the_documents(lang):
    page = (DOCS / ("audit.md" if lang == "en" else "audit.ja.md")).read_text(encoding="utf-8")
    texts = words(lang)["checks"]
    assert list(texts) == list(CODES)
    for code, text in texts.items():
        assert set(text) == {"name", "said", "why", "mend"}
        assert f"### {code}\n\n{text['name']}" in page, code
        assert set(re.findall(r"\{(\w+)\}", text["said"])) == set(
            re.findall(r"\{(\w+)\}", words("en")["checks"][code]["said"])
        )


def test_languages_have_the_same_keys():
    def keys(value):
        return {name: keys(inner) for name, inner in value.items()} if isinstance(value, dict) else None

    assert keys(words("en")) == keys(words("ja"))
    assert words("ja")["link"].startswith("docs/audit.ja.md#")


def test_wrapping_loses_nothing():
    text = words("ja")["checks"]["DL001"]["mend"] * 5
    assert "".join(line.strip() for line in wrapped(text, "  ")).replace(" ", "") == text.replace(" ", "")


class Meant(Net):
    def __init__(self):
        super().__init__(drop=nn.Dropout(0.5))
        self.unused = nn.Dropout(0.5)  # droplab: ignore=DL003

    def forward(self, x):
        return self.drop(self.fc2(self.fc1(x)))  # droplab: ignore=DL008, DL010


def test_a_line_that_asks_is_ignored_for_its_codes_alone():
    audit = droplab.audit(Meant(), X)
    assert audit.findings == ()
    assert sorted(finding.code for finding in audit.ignored) == ["DL003", "DL008"]
    assert "Ignored at their lines: DL003 unused, DL008 drop" in audit.text()
    with torch.random.fork_rng():
        audit = droplab.audit(FAULTS["OnLogits"][2](), X)
    assert [finding.code for finding in audit.faults] == ["DL008"]

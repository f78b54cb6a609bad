"""The gallery is what the catalog says, in both languages."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from droplab.languages import LANGUAGES
from droplab.variants.catalog import CATALOG
from droplab.variants.told import told

ROOT = Path(__file__).parent.parent.parent
TEXTS = ROOT / "src" / "droplab" / "variants" / "texts"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_row_has_words(lang):
    texts = json.loads((TEXTS / f"{lang}.json").read_text(encoding="utf-8"))
    assert texts.keys() == CATALOG.keys()
    wanted = {"does", "when"} if lang == "en" else {"does", "when", "shares", "eval_law", "deviations"}
    for name, said in texts.items():
        assert said.keys() - {"equation"} == wanted, name
        assert all(said[key] or key == "deviations" for key in said), name
    for name in CATALOG:
        assert bool(told(name, lang).deviations) == bool(CATALOG[name].deviations)


def test_no_english_word_is_in_a_japanese_equation():
    english = re.compile(r"\b(and|each|else|for|likewise|normal|the|where|with|without)\b")
    assert [name for name in CATALOG if english.search(told(name, "ja").equation)] == []
    assert english.search(told("dropout").equation)


def test_the_gallery_is_written_from_the_catalog():
    ran = subprocess.run(
        [sys.executable, ROOT / "scripts" / "gallery.py", "--check"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr

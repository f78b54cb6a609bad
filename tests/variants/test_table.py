"""The written table says what the kinds' own files say, and a spec is checked with it alone, without torch."""

from __future__ import annotations

import inspect
import itertools
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from torch import nn as torchs

from droplab import functional, nn
from droplab.errors import SpecError
from droplab.variants.asked import asked, in_arms
from droplab.variants.catalog import CATALOG
from droplab.variants.table import TABLE

ROOT = Path(__file__).parent.parent.parent
VALUES = (-1, 0, 1, 2, 4, -0.5, 0.0, 0.5, 1.5, math.inf, -math.inf, math.nan, "x", "row", "unit", True, False, None)
"""For every option of every kind; some of them are wrong for each that can be wrong."""
SMALL = {
    torchs.Linear: (2, 2), torchs.Conv2d: (2, 2, 1), torchs.LSTM: (2, 2), torchs.GRU: (2, 2), torchs.Embedding: (2, 2),
}  # fmt: skip


def test_faces_and_table_are_written_from_the_families():
    ran = subprocess.run(
        [sys.executable, ROOT / "scripts" / "faces.py", "--check"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_row_and_the_docstrings_beside_it_name_the_same_papers():
    for name, row in TABLE.items():
        family = sys.modules[row.home]
        told = " ".join(inspect.getdoc(getattr(family, public)) or "" for public in family.__all__)
        for paper in CATALOG[name].paper.split("; "):
            author, year = paper.split()[0].strip(","), re.findall(r"(?:19|20)\d\d\b", paper)[-1]
            assert author in told, (name, paper)
            assert year in told, (name, paper)


def test_the_table_names_what_is_there():
    assert list(TABLE) == list(CATALOG)
    for name, row in TABLE.items():
        assert getattr(nn, row.layer) is CATALOG[name].layer
        assert {limit.option for limit in row.limits} <= row.options.keys()


def test_faces_hand_on_what_the_families_have():
    assert all(getattr(nn, name).__module__.startswith("droplab.") for name in nn.__all__)
    assert not [name for name in functional.__all__ if not callable(getattr(functional, name))]


def options() -> list[tuple[str, str]]:
    return [(name, option) for name in in_arms() for option in TABLE[name].options]


@pytest.mark.parametrize(("name", "option"), options(), ids=map(".".join, options()))
def test_the_table_refuses_what_the_layer_refuses_and_in_its_words(name, option):
    for value in VALUES:
        said = problem(name, option, value)
        if ", as the default, " in said:
            continue  # of another type, which a layer need not look at
        assert said == layer_problem(name, {option: value}), value


def problem(name: str, option: str, value: Any) -> str:
    try:
        asked({"name": name, option: value})
    except SpecError as error:
        return error.problems[0].removeprefix(f"{name}: ")
    return ""


def layer_problem(name: str, given: dict[str, Any]) -> str:
    row: Any = CATALOG[name]
    try:
        if not row.adopts:
            row.layer(p=0.5, **given)
        for twin in row.adopts:
            row.layer.adopt(twin(*SMALL[twin]), 0.5, **given)
    except Exception as error:  # noqa: BLE001  # whatever it is, the table has to say it
        return str(error)
    return ""


def test_all_options_that_do_not_hold_are_said_at_once():
    with pytest.raises(SpecError) as error:
        asked({"name": "drop_block2d", "block_size": 0, "normalise": "sum"})
    assert [line.partition(" got ")[2].partition(";")[0] for line in error.value.problems] == [
        "block_size 0",
        "normalise 'sum'",
    ]


WRONG: tuple[Any, ...] = (
    "dropuot",
    "attention_dropout",
    {},
    {"drop1": {"nam": "dropout"}},
    {"name": "drop_path", "mod": "batch"},
    *({"name": name, option: value} for name, option in options() for value in (-1, 0.5, "x")),
)

CHECK = """
import json, sys
from droplab.errors import SpecError
from droplab.spec.specfile import parse_spec

assert ("torch" in sys.modules) == (len(sys.argv) > 1)
right, wrong = json.load(sys.stdin)
arms = [{"name": str(number), "p": 0.5, "layer": layer} for number, layer in enumerate(right)]
assert len(parse_spec({"arms": arms}).arms) == len(right)
said = []
for layer in wrong:
    try:
        parse_spec({"arms": [{"name": "a", "p": 0.5, "layer": layer}]})
        said.append("")
    except SpecError as problem:
        said.append(str(problem))
assert ("torch" in sys.modules) == (len(sys.argv) > 1)
print(json.dumps(said))
"""


def test_a_spec_with_every_kind_is_checked_without_torch_and_in_the_same_words():
    right = [
        *in_arms(),
        *({"name": name, **TABLE[name].options} for name in in_arms()),
        *({"drop1": first, "fc*:in": {"name": second}} for first, second in itertools.pairwise(in_arms())),
    ]
    given = json.dumps([right, WRONG])
    light, heavy = (
        subprocess.run(
            [sys.executable, "-c", start + CHECK, *words], input=given, capture_output=True, text=True, check=False
        )
        for start, words in (("", []), ("import torch\n", ["torch"]))
    )
    assert light.returncode == 0, light.stderr
    assert heavy.returncode == 0, heavy.stderr
    said = json.loads(light.stdout)
    assert said == json.loads(heavy.stdout)
    assert all(said[:5])

"""``droplab verdict`` in its forms, with its exit codes, and comparisons that were chosen afterwards."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from droplab.analysis import Plan, judge, written
from droplab.analysis.afterwards import chosen
from droplab.cli import main
from droplab.errors import UserError
from droplab.records import ExperimentRecord
from droplab.report import exit_code_of, render, rows, schema, verdict_json
from tests.analysis.records import simulate
from tests.analysis.sequences import experiment, failed
from tests.foreign.files import ARMS, ledger

NOISE = np.array([0.0, 0.004, -0.004, 0.002, -0.002])
VALUES = [NOISE, NOISE[::-1] - 0.1, NOISE[::-1] + 0.1, NOISE[::-1]]
FIVE = Plan((5,), margin=0.05)


def holds(value, form, defs, place="verdict"):
    """As much of JSON Schema as ours uses."""
    form = defs[form["$ref"].rpartition("/")[2]] if "$ref" in form else form
    kinds = {"object": dict, "array": list, "string": str, "number": (int, float), "integer": int, "null": type(None)}
    assert not form.keys() - {
        *(
            "$schema",
            "$defs",
            "title",
            "description",
            "type",
            "required",
            "additionalProperties",
            "properties",
            "items",
        ),
        *("enum", "const"),
    }
    if "type" in form:
        named = [form["type"]] if isinstance(form["type"], str) else form["type"]
        assert any(isinstance(value, kinds[kind]) for kind in named), place
        assert not isinstance(value, bool), place
    assert value in form.get("enum", [value]), place
    assert value == form.get("const", value), place
    if isinstance(value, dict) and "properties" in form:
        assert set(value) == set(form["required"]) == set(form["properties"]), place
        for key, inner in form["properties"].items():
            holds(value[key], inner, defs, f"{place}.{key}")
    if isinstance(value, list):
        for item in value:
            holds(item, form["items"], defs, f"{place}[]")


@pytest.mark.parametrize(
    "made",
    [
        experiment(VALUES, FIVE),
        simulate(np.random.default_rng(0), 3, effect=True),
        experiment(VALUES, FIVE, spec={"arms": [], "resample": "5-fold"}),
    ],
    ids=["2", "1", "drawn"],
)
def test_json_is_of_the_published_form(made):
    found = json.loads(json.dumps(verdict_json(judge(made), made), allow_nan=False))
    holds(found, schema(), schema()["$defs"])
    with pytest.raises(AssertionError, match=r"verdict\.alpha"):
        holds(found | {"alpha": "5 %"}, schema(), schema()["$defs"])


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (experiment(VALUES, FIVE), 0),
        (experiment([VALUES[0], VALUES[2], VALUES[3]], FIVE), 3),
        (experiment([VALUES[0], 50 * VALUES[3]], FIVE), 4),
        (failed(experiment(VALUES[:2], FIVE), *list(experiment(VALUES[:2], FIVE).runs)[-1:]), 4),
        (simulate(np.random.default_rng(0), 5, effect=True), 0),
        (simulate(np.random.default_rng(0), 2, effect=False), 4),
    ],
    ids=["better", "all answered", "open", "failed", "set 1", "set 1 open"],
)
def test_exit_codes(made, code):
    assert exit_code_of(judge(made)) == code


def test_rows():
    made = experiment([*VALUES[:2], VALUES[3]], FIVE)
    made = rename(made, "a|1 & 100%")
    assert rows(judge(made), made, "markdown").splitlines()[2].startswith(r"| a\|1 & 100% | 5 | -0.1 | \[-0.10")
    text = rows(judge(made), made, "latex")
    assert r"a$|$1 \& 100\% & 5 & -0.1 & [-0.10" in text
    assert text.startswith("\\begin{tabular}{lrrll}\n\\toprule\narm & seeds & difference from base")
    odd = rename(made, "[a] < *b", "a|1 & 100%")
    assert "\n{}[a] $<$ *b & 5 & " in rows(judge(odd), odd, "latex")
    first = simulate(np.random.default_rng(0), 5, effect=True)
    assert rows(judge(first), first, "markdown", "ja").splitlines()[-1].startswith("| b | 5 | -0.")


def rename(made: ExperimentRecord, name: str, old: str = "a1") -> ExperimentRecord:
    """With another name for an arm."""
    runs = {
        replace(key, arm=name) if key.arm == old else key: replace(run, key=replace(key, arm=name))
        for key, run in made.runs.items()
    }
    return replace(made, arms=tuple(name if arm == old else arm for arm in made.arms), runs=runs)


def test_another_baseline_is_said_to_be_chosen_afterwards_and_pays_for_it():
    made = experiment(VALUES, FIVE)
    found, family = chosen(made, "a3")
    assert (found.baseline, family) == ("a3", 6)
    verdict = judge(found, family=family)
    assert [(one.arm, one.says) for one in verdict.primary.answers] == [
        ("base", "equal"),
        ("a1", "better"),
        ("a2", "worse"),
    ]
    text = " ".join(render(verdict, found).split())
    assert 'was chosen after the results could be seen; the experiment was planned against "base"' in text
    assert "shared among all 6 comparisons" in text
    assert verdict.primary.of("base").level == pytest.approx(0.05 / 6)
    two = judge(*chosen(made, arms=("a1", "a2"))[:1], family=6)
    assert [one.says for one in two.primary.answers] == ["worse"]


def test_arms_against_the_planned_baseline_keep_the_planned_error():
    made = experiment(VALUES, FIVE)
    assert chosen(made) == (made, None)
    found, family = chosen(made, arms=("base", "a2"))
    assert (found.arms, family) == (("base", "a2"), 3)
    assert judge(found, family=family).primary.of("a2").level == pytest.approx(0.05 / 3)


def test_set_1_cannot_pay_and_says_so():
    made = simulate(np.random.default_rng(0), 5, effect=True)
    found, family = chosen(made, "b")
    assert (found.baseline, family) == ("b", None)
    assert judge(found).effect("val_loss", "a").mean == -judge(made).effect("val_loss", "b").mean
    assert "know nothing of that choice" in " ".join(render(judge(found), found).split())


@pytest.mark.parametrize("wrong", [{"baseline": "a9"}, {"arms": ("a1", "a9")}, {"arms": ("a1",)}])
def test_arms_that_are_not_there(wrong):
    with pytest.raises(UserError, match=r"a9|two arms"):
        chosen(experiment(VALUES, FIVE), **wrong)


def test_the_command(tmp_path, capsys):
    ledger(tmp_path).close()
    main(["verdict", str(tmp_path)])
    assert "Paired t tests over seeds" in " ".join(capsys.readouterr().out.split())
    main(["verdict", str(tmp_path), "--json", "--baseline", ARMS[1]])
    found = json.loads(capsys.readouterr().out)
    assert (found["baseline"], found["notices"][0]["code"]) == (ARMS[1], "chosen_afterwards")
    main(["verdict", str(tmp_path), "--form", "latex", "--lang", "ja"])
    assert r"\begin{tabular}" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["verdict", str(tmp_path), "--exit-code"])
    assert ended.value.code == 0
    assert written(FIVE)["set"] == "2"

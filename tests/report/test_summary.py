"""What of the verdict goes into the summary of a run elsewhere."""

from __future__ import annotations

from droplab.analysis import judge
from droplab.report import summaries
from tests.analysis.records import record


def test_an_experiment_without_a_question_as_deployed_tells_its_first_one():
    curves = {
        arm: [{"val_loss": [loss + seed / 100 + noise * seed]} for seed in range(6)]
        for arm, loss, noise in (("none", 1.0, 0.0), ("much", 2.0, 1e-4), ("some", 1.0, 1e-9))
    }
    made = record(curves)
    verdict = judge(made)
    found = summaries(verdict, made)
    first = next(effect for effect in verdict.effects if effect.role == "val" and effect.arm == "much")
    assert found["none"] == {"verdict": "baseline", "recommended": verdict.recommended}
    assert found["much"] == {
        "verdict": "worse",
        "endpoint": first.endpoint,
        "difference": first.mean,
        "low": first.adjusted_low,
        "high": first.adjusted_high,
        "recommended": verdict.recommended,
    }
    assert found["some"]["verdict"] in {"undecided", "equal", "worse"}


def test_one_seed_decides_nothing_and_has_no_interval():
    made = record({"none": [{"val_loss": [1.0]}], "some": [{"val_loss": [0.5]}]})
    found = summaries(judge(made), made)["some"]
    assert (found["verdict"], found["difference"]) == ("undecided", -0.5)
    assert "low" not in found

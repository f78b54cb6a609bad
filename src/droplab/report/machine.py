"""The verdict for programs: one JSON object, whose form ``verdict.schema.json`` describes, and an exit code."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from typing import Any

from droplab.analysis import Answer, Effect, Primary, Scope, Verdict, scope_of, written
from droplab.records import ExperimentRecord

FORMAT = 1
BETTER, NONE_BETTER, UNDECIDED = 0, 3, 4
"""Exit codes: another arm is recommended; every question is answered and none is; there are open ones."""


def schema() -> dict[str, Any]:
    """The JSON Schema of ``verdict_json``."""
    found: dict[str, Any] = json.loads(files("droplab.report").joinpath("verdict.schema.json").read_text("utf-8"))
    return found


def verdict_json(verdict: Verdict, record: ExperimentRecord) -> dict[str, Any]:
    """JSON-ready; numbers that JSON cannot hold are ``None``.

    Args:
        verdict: what the statistics allow.
        record: the experiment it was drawn from.
    """
    main = verdict.primary
    return {
        "format": FORMAT,
        "experiment": {"name": record.name, "id": record.experiment_id},
        "set": "2" if main else "1",
        "arms": list(record.arms),
        "baseline": record.baseline,
        "recommended": verdict.recommended,
        "better_by": list(verdict.better_by),
        "rivals": list(verdict.rivals),
        "exit_code": exit_code(verdict),
        "alpha": verdict.alpha,
        "scope": _scope(scope_of(record)),
        "plan": _finite(written(main.plan)) if main else None,
        "primary": _primary(main) if main else None,
        "effects": [_effect(effect, verdict) for effect in verdict.effects],
        "notices": [{"code": one.code, "arm": one.arm, "detail": _finite(dict(one.detail))} for one in record.notices],
    }


def _scope(found: Scope) -> dict[str, Any]:
    return {
        "splits": found.resample if isinstance(found.resample, str) else "drawn" if found.resample else "one",
        "ratio": _finite(found.ratio),
        "validation": list(found.validation) if found.resample else None,
        "training": list(found.training) if found.resample else None,
    }


def exit_code(verdict: Verdict) -> int:
    """What ``droplab verdict --exit-code`` ends with."""
    if verdict.better_by:
        return BETTER
    if verdict.primary is not None:
        return NONE_BETTER if all(found.decided for found in verdict.primary.answers) else UNDECIDED
    judged = [effect for effect in verdict.effects if effect.role == "val"]
    return NONE_BETTER if judged and all(one.status != "undecided" for one in judged) else UNDECIDED


def _primary(main: Primary) -> dict[str, Any]:
    return {
        "endpoint": main.end.name,
        "measure": main.end.measure.name,
        "better": main.end.measure.better,
        "kind": main.answers[0].kind,
        "family": main.family,
        "answers": [_answer(found) for found in main.answers],
    }


def _answer(found: Answer) -> dict[str, Any]:
    return {
        "arm": found.arm,
        "says": found.says,
        "why": found.why,
        "mean": _finite(found.mean),
        "low": _finite(found.low),
        "high": _finite(found.high),
        "level": found.level,
        "seeds": list(found.seeds),
        "values": _finite(list(found.values)),
        "seeds_needed": found.seeds_needed,
        "look": found.look,
        "failures": asdict(found.failures),
        "baseline_failures": asdict(found.baseline_failures),
        "pairing": _finite(found.pairing),
        "new_data": {key: _finite(value) for key, value in found.new_data._asdict().items()},
    }


def _effect(effect: Effect, verdict: Verdict) -> dict[str, Any]:
    return {
        "endpoint": effect.endpoint,
        "arm": effect.arm,
        "measure": effect.measure.name,
        "status": effect.status,
        "consequence": verdict.consequence(effect),
        "mean": _finite(effect.mean),
        "low": _finite(effect.low),
        "high": _finite(effect.high),
        "adjusted_low": _finite(effect.adjusted_low),
        "adjusted_high": _finite(effect.adjusted_high),
        "p": _finite(effect.p),
        "p_adjusted": _finite(effect.p_adjusted),
        "seeds": list(effect.seeds),
        "values": _finite(list(effect.values)),
        "seeds_needed": effect.seeds_needed,
    }


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value

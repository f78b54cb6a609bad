"""What was decided on before results were seen, as a ledger's design keeps it.

``{"set": "2", "margin": 0.005, "looks": [3, 5, 8]}``: the primary measure as deployed is asked first (set "2"), a
difference below 0.005 matters to nobody, and results are looked at when that many seeds have ended. Without ``looks``
there is one look, at all seeds. A design without it is one of set "1".
"""

from __future__ import annotations

from typing import Any

from droplab.analysis.looks import Plan
from droplab.errors import UserError, quote
from droplab.records import ExperimentRecord

KEY = "endpoints"
"""Its place in a ledger's design."""
FIRST, SECOND = "1", "2"
"""The sets of endpoints."""
_KNOWN = {"set", "margin", "looks", "alpha"}


def plan_of(record: ExperimentRecord) -> Plan | None:
    """The plan of an experiment; ``None`` where it is one of set "1".

    Raises:
        UserError: a plan of a newer droplab, or one that cannot be one.
    """
    kept = record.endpoints
    chosen = kept.get("set", FIRST)
    if chosen == FIRST:
        return None
    if chosen != SECOND or not kept.keys() <= _KNOWN:
        raise UserError(
            f"the experiment's endpoints are {quote(dict(kept))}, which this droplab does not know (sets {FIRST} and "
            f"{SECOND}); a newer droplab wrote them: update it"
        )
    looks = tuple(kept.get("looks") or (max(2, len(record.seeds)),))
    return Plan(looks, kept.get("margin"), kept.get("alpha", 0.05))


def written(plan: Plan) -> dict[str, Any]:
    """JSON-ready, for a design; ``plan_of`` gives it back.

    >>> written(Plan((5,), margin=0.01))
    {'set': '2', 'margin': 0.01, 'looks': [5], 'alpha': 0.05}
    """
    return {"set": SECOND, "margin": plan.margin, "looks": list(plan.looks), "alpha": plan.alpha}

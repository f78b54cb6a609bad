"""Whether the arms are doses of one treatment: rates of one dropout, at the same sites."""

from __future__ import annotations

from droplab.records import ExperimentRecord

FEWEST = 3
"""Fewer doses, the baseline's among them, are no curve."""


def doses(record: ExperimentRecord) -> dict[str, float] | None:
    """Each arm's drop rate, where the arms differ in nothing else; ``None`` where they do, or are too few.

    The baseline may be written otherwise, as long as its rate is one number and its recipe that of the others.
    """
    arms = {arm["name"]: arm for arm in record.spec.get("arms", ()) if arm.get("name") in record.arms}
    rates = {}
    for name in record.arms:
        rate = arms.get(name, {}).get("p")
        if isinstance(rate, bool) or not isinstance(rate, (int, float)):
            return None
        rates[name] = float(rate)
    rest = [
        {key: value for key, value in arm.items() if key not in {"name", "p"}}
        for name, arm in arms.items()
        if name != record.baseline
    ]
    if len(set(rates.values())) < max(FEWEST, len(rates)) or any(other != rest[0] for other in rest):
        return None
    if len({repr(arm.get("recipe")) for arm in arms.values()}) > 1:
        return None
    return rates

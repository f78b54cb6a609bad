"""How results are to be judged, said before there are any: endpoints, margin, looks, and seeds until decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from droplab.errors import quote, suggest
from droplab.records import LOOKS, Notice
from droplab.resampling import Resample, normal_form
from droplab.spec.strict import Strict

KEY = "endpoints"
"""The plan's place in a ledger's design."""
UNTIL = "until-decided"
"""What a spec says in the place of a number of seeds."""
KEYS = ("endpoints", "margin", "looks")
"""Of a spec: no training depends on them; a ledger keeps them in its design, as ``kept`` makes them."""


class Planned(Strict):
    """Base of specs: how an experiment is judged."""

    endpoints: Literal["1", "2"] = "2"
    """``2``: the primary measure as deployed, with early stopping, is asked first; ``1``: the last epoch, as before."""
    margin: float | None = Field(default=None, gt=0)
    """The smallest difference of the primary measure that matters, in its own unit (0.005 is half a percentage point of
    accuracy); inside it arms are practically equal. Nobody but you can name it."""
    looks: tuple[Annotated[int, Field(ge=2)], ...] = ()
    """Numbers of seeds at which results are looked at, the last of them all seeds; one look at all where absent.
    ``seeds = "until-decided"`` has looks at 3, 5, 8, 12, 16 and 20 seeds, or these."""
    resample: Annotated[Resample, BeforeValidator(normal_form)] = False
    """``true``: each seed draws its own training and validation samples, the same in all arms; ``"5-fold"``: seed s
    validates on fold s mod 5 of repeat s // 5. The test part is no part of it."""

    @model_validator(mode="before")
    @classmethod
    def _seeds_until_decided(cls, values: Any) -> Any:
        seeds = values.get("seeds") if isinstance(values, Mapping) else None
        if not isinstance(seeds, str):
            return values
        if seeds != UNTIL:
            if found := suggest(seeds, [UNTIL]):
                raise ValueError(f"seeds: got {quote(seeds)}{found}")
            return values
        looks = values.get("looks") or LOOKS
        if not isinstance(looks, Sequence) or isinstance(looks, str):
            return values
        return {**values, "seeds": looks[-1], "looks": tuple(looks)}

    @model_validator(mode="after")
    def _looks_hold_together(self) -> Planned:
        looks, seeds = self.looks, len(getattr(self, "seeds", ()))
        if any(after <= before for before, after in pairwise(looks)):
            raise ValueError(f"looks are numbers of seeds that rise, as {list(LOOKS)}; got {list(looks)}")
        if looks and looks[-1] != seeds:
            raise ValueError(f"the last look is at all seeds, {seeds}; got {list(looks)}")
        if len(looks) > 1 and len(getattr(self, "arms", ())) < 2:
            raise ValueError("looks: with one arm there is nothing to decide; give it a number of seeds")
        if self.endpoints == "1" and (self.margin is not None or len(looks) > 1):
            raise ValueError('a margin and looks belong to endpoints "2"; endpoints is "1"')
        return self


def kept(spec: Any) -> dict[str, Any]:
    """What a new ledger's design says under ``endpoints``; ``analysis/planned.py`` reads it.

    Args:
        spec: one with ``seeds`` that is ``Planned``.
    """
    if spec.endpoints == "1":
        return {"set": "1"}
    seeds = max(2, len(spec.seeds))
    looks = [look for look in spec.looks if look < seeds]
    return {"set": "2", "margin": spec.margin, "looks": [*looks, seeds], "alpha": 0.05}


def continued(before: Mapping[str, Any], spec: Any, *, seen: bool) -> tuple[dict[str, Any], Notice | None]:
    """The plan of an experiment that is continued, and what its verdict has to say of a change.

    More seeds are no change of the plan: they are looked at beyond it, which the verdict says too. An experiment of set
    "1" stays one, whatever the spec says.

    Args:
        before: what the design says; empty in older ledgers.
        spec: as it is asked now, with all seeds that the ledger has.
        seen: whether results could be seen already, as a run has finished.
    """
    if before.get("set", "1") == "1":
        return dict(before), None
    asked = kept(spec)
    if asked["set"] == "2" and not spec.looks:
        asked["looks"] = before["looks"]
    named = spec.margin is not None or bool(spec.looks) or asked["set"] != before["set"]
    if not named or all(before.get(key) == value for key, value in asked.items()):
        return dict(before), None
    notice = Notice("plan_changed", detail={"before": _shown(before), "after": _shown(asked)})
    return asked, notice if seen else None


def _shown(plan: Mapping[str, Any]) -> str:
    looks = ", ".join(map(str, plan.get("looks", ())))
    return f"endpoints {plan['set']}, margin {plan.get('margin')}, looks {looks or 'none'}"

"""Seeds until decided: which runs the next look of a plan wants."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from droplab.analysis.answer import Answer
from droplab.analysis.looks import Plan
from droplab.analysis.pairs import ended as is_over
from droplab.analysis.planned import plan_of
from droplab.analysis.primary import answers
from droplab.analysis.questions import questions
from droplab.analysis.scope import check_scope
from droplab.analysis.student import quantile, two_sided_p
from droplab.errors import UserError
from droplab.records import ExperimentRecord, RunKey

HOPELESS = 0.1
"""An arm whose chance to be decided by the last look is smaller gets no more seeds."""

End = Literal["better", "worse", "equal", "identical", "failures", "hopeless", "spent"]
"""Why an arm gets no more seeds; ``spent``: its last look was not enough."""


@dataclass(frozen=True)
class Next:
    """What is to be trained for the next look; nothing where every arm has ended."""

    runs: tuple[RunKey, ...]
    """Those of the look that have not ended, seed by seed."""
    ended: Mapping[str, End]
    """Arms that get no more seeds."""
    spared: frozenset[RunKey]
    """Runs of the plan that need not be trained, as things stand: those of arms that have ended; in the end, all that
    are left."""

    @property
    def decided(self) -> bool:
        """Whether nothing is left to be trained."""
        return not self.runs

    @property
    def saved(self) -> int:
        """How many runs of the plan were not needed; 0 while that is not known."""
        return len(self.spared) if self.decided else 0


def wanted(record: ExperimentRecord) -> tuple[RunKey, ...] | None:
    """The runs that an experiment wants now, by its own plan; ``None`` where that is all of them.

    Called between looks: an engine trains what is given, and asks again until nothing is.

    Raises:
        UserError: nothing is trained yet, and no number of seeds could decide (``scope.py``).
    """
    plan = plan_of(record)
    if not any(run.state == "done" for run in record.runs.values()):
        check_scope(record, plan or Plan((max(2, len(record.seeds)),)))
    return next_seeds(record, plan).runs if plan is not None and follows(record, plan) else None


def spared(record: ExperimentRecord) -> frozenset[RunKey]:
    """Runs that were planned and are not needed; none where all of them are wanted."""
    plan = plan_of(record)
    return next_seeds(record, plan).spared if plan is not None and follows(record, plan) else frozenset()


def follows(record: ExperimentRecord, plan: Plan) -> bool:
    """Whether looks decide what is trained; seeds beyond the plan were added by hand, and are all meant."""
    return plan.sequential and len(record.seeds) == plan.looks[-1]


def next_seeds(record: ExperimentRecord, plan: Plan, answered: Sequence[Answer] | None = None) -> Next:
    """The runs that the next look wants, of the arms that are not decided and of the baseline.

    Arms that have come less far come first, and the others wait for them: so every look is at what it would be at had
    nothing been interrupted, as an answer may depend on those of other arms.

    Stopping as hopeless is not binding: whoever goes on regardless keeps the error that was planned.

    Args:
        record: the experiment; its first ``plan.looks[-1]`` seeds are those of the plan.
        plan: looks, margin and error.
        answered: the primary question's answers, where they are known already.

    Raises:
        UserError: fewer seeds than the plan has.
    """
    if len(record.seeds) < plan.looks[-1]:
        raise UserError(
            f"the plan looks at {plan.looks[-1]} seeds and the experiment has {len(record.seeds)}; give it as many"
        )
    if answered is None:
        answered = answers(record, questions(record), plan)
    found = {answer.arm: answer for answer in answered}
    ended: dict[str, End] = {}
    looks: dict[str, int] = {}
    others = [arm for arm in record.arms if arm != record.baseline]
    for arm in others:
        answer = found.get(arm)
        why = _end(answer, plan) if answer is not None else None
        if why is not None:
            ended[arm] = why
            continue
        looks[arm] = answer.next_look if answer is not None and answer.next_look else plan.looks[0]
    next_look = min(looks.values(), default=0)
    now = [record.baseline, *(arm for arm, look in looks.items() if look == next_look)]
    order = {arm: place for place, arm in enumerate(record.arms)}
    places = {seed: place for place, seed in enumerate(record.seeds)}
    runs = sorted(
        (RunKey(arm, seed) for seed in record.seeds[:next_look] for arm in now if not is_over(record, arm, seed)),
        key=lambda key: (places[key.seed], order[key.arm]),
    )
    over = ended if runs else record.arms
    left = (RunKey(arm, seed) for arm in over for seed in record.seeds[: plan.looks[-1]])
    return Next(tuple(runs), ended, frozenset(key for key in left if not is_over(record, key.arm, key.seed)))


def chance(answer: Answer, plan: Plan, share: float) -> float:
    """The chance that the last look would decide, if the pairs to come are like those that are there.

    The mean at the last look is predicted from the pairs so far, by Student's t; the interval's width then is that of
    the present standard deviation.
    """
    n, last = len(answer.values), plan.looks[-1]
    if n < 2 or not math.isfinite(answer.sd) or n >= last:
        return 1.0 if n < last else 0.0
    half = quantile(1 - plan.level(last, share) / 2, last - 1) * answer.sd / math.sqrt(last)
    if answer.ratio:
        half *= math.sqrt(1 + last * answer.ratio)
    spread = answer.sd * math.sqrt((last - n) / (last * n))
    if spread == 0:
        return 1.0

    def below(bound: float) -> float:
        t = (bound - answer.mean) / spread
        tail = two_sided_p(t, n - 1) / 2
        return tail if t < 0 else 1 - tail

    outside = below(-half) + 1 - below(half)
    room = (plan.margin or 0.0) - half
    inside = max(0.0, below(min(room, half)) - below(max(-room, -half))) if room > 0 else 0.0
    return outside + inside


def _end(answer: Answer, plan: Plan) -> End | None:
    if answer.says != "undecided":
        return answer.says
    if answer.why == "identical":
        return "identical" if answer.look else None
    if answer.why == "failures":
        return "failures"
    if answer.look >= plan.looks[-1]:
        return "spent"
    if answer.look and chance(answer, plan, 1.0) < HOPELESS:
        return "hopeless"
    return None

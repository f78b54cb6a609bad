"""What an experiment's intervals hold for: its one split, or others that could have been drawn.

Splits that are drawn per seed share samples, so that runs of two seeds are not independent, and the spread over seeds
alone makes intervals too short. With n2 samples that validate and n1 that do not, the variance of a mean over J seeds
is taken as s² (1/J + n2/n1) instead of s²/J (C. Nadeau and Y. Bengio, *Inference for the generalization error*, Machine
Learning 52, 2003; R. Bouckaert and E. Frank, 2004, for repeated k-fold, whose n2/n1 is 1 / (k - 1)). ``train_size``,
the experiment's or an arm's own, leaves samples out of training and makes no two splits more alike, so n1 counts what
it leaves out: one correction serves all arms.

No number of seeds makes the second term smaller: what it hides, only more data or smaller validation parts show.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean

from droplab.analysis.looks import Plan
from droplab.analysis.paired import POWER
from droplab.analysis.student import quantile
from droplab.errors import UserError
from droplab.records import ExperimentRecord
from droplab.resampling import NOTICE, folds_of

LARGEST = 3.0
"""Standard deviations of the differences over splits: a design that can show only larger ones, whatever the number of
seeds, is refused."""
_NORMAL = 1e9
"""Degrees of freedom of a normal distribution."""


@dataclass(frozen=True)
class Scope:
    """How splits were drawn."""

    resample: bool | str = False
    """As in the spec; ``False``: one split, of which alone the intervals tell."""
    ratio: float = 0.0
    """n2/n1, the mean over splits; NaN where it is not known yet."""
    validation: tuple[int, int] = (0, 0)
    """The smallest and the largest validation part that was drawn."""
    training: tuple[int, int] = (0, 0)
    """Of the samples that do not validate."""


def scope_of(record: ExperimentRecord) -> Scope:
    """How an experiment's splits were drawn."""
    resample = record.spec.get("resample", False)
    if not resample:
        return Scope()
    sizes = [(one.detail["validation"], one.detail["training"]) for one in record.notices if one.code == NOTICE]
    if not sizes:
        folds = folds_of(resample)
        return Scope(resample, 1 / (folds - 1) if folds else math.nan)
    validation, training = zip(*sizes, strict=True)
    return Scope(
        resample,
        fmean(out / left for out, left in sizes),
        (min(validation), max(validation)),
        (min(training), max(training)),
    )


def weakest(ratio: float, level: float) -> float:
    """The smallest true difference, in standard deviations over splits, that ever so many seeds find with ``POWER``.

    >>> round(weakest(1 / 9, 0.05), 2), weakest(0.0, 0.05)
    (0.93, 0.0)
    """
    return (quantile(1 - level / 2, _NORMAL) + quantile(POWER, _NORMAL)) * math.sqrt(ratio) if ratio else 0.0


def check_scope(record: ExperimentRecord, plan: Plan) -> None:
    """See that some number of seeds could decide.

    Raises:
        UserError: none could.
    """
    scope, arms = scope_of(record), max(1, len(record.arms) - 1)
    found = weakest(scope.ratio, plan.level(plan.looks[-1], 1 / arms)) if math.isfinite(scope.ratio) else 0.0
    if found > LARGEST:
        raise UserError(
            f"no number of seeds could decide: each validates on {scope.ratio:.2g} times as many samples as it may "
            f"train on, so that splits are too much alike, and with {arms} arms against the baseline only differences "
            f"of {found:.1f} standard deviations would be found ({LARGEST:.0f} is the most that is accepted). Validate "
            'on fewer samples (data.validation_size, or more folds, resample = "10-fold"), compare fewer arms, or '
            "leave resample out and judge this one split"
        )

"""What intervals hold for, in words."""

from __future__ import annotations

import math

from droplab.analysis import Primary, Scope
from droplab.report.locale import Speaker
from droplab.report.numbers import interval
from droplab.resampling import folds_of

MOST_ARMS = 4
"""With more, only arms that are decided are named with their interval for new data."""


def scope(found: Scope, say: Speaker) -> str:
    """How splits were drawn, and what follows for the intervals."""
    if not found.resample:
        return say("note.scope")
    folds = folds_of(found.resample)
    return say(
        "note.scope.folds" if folds else "note.scope.drawn",
        folds=folds,
        training=_between(found.training, say),
        validation=_between(found.validation, say),
        ratio="?" if math.isnan(found.ratio) else f"{found.ratio:.3g}",
    )


def _between(sizes: tuple[int, int], say: Speaker) -> str:
    low, high = sizes
    if not high:
        return "?"
    return f"{low:,}" if low == high else say("scope.between", low=f"{low:,}", high=f"{high:,}")


def new_data(main: Primary, say: Speaker) -> list[str]:
    """The intervals for other validation samples too, where folds tell."""
    told = [one for one in main.answers if not math.isnan(one.new_data.low)]
    if len(main.answers) > MOST_ARMS:
        told = [one for one in told if one.decided]
    if not told:
        return []
    unit = main.end.measure.unit
    arms = [
        say("new_data.arm", arm=one.arm, interval=interval(unit, one.new_data.low, one.new_data.high)) for one in told
    ]
    return [say("note.new_data", folds=told[0].new_data.folds, arms=say("semicolon").join(arms))]

"""Another baseline, or some arms only: comparisons that were chosen when the results could be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from droplab.analysis.planned import plan_of
from droplab.errors import UserError, quote, suggest
from droplab.records import ExperimentRecord, Notice


class Chosen(NamedTuple):
    """A record that is to be judged, and among how many comparisons its error is shared."""

    record: ExperimentRecord
    family: int | None
    """``None``: the arms but the baseline, as planned."""


def chosen(record: ExperimentRecord, baseline: str = "", arms: Sequence[str] = ()) -> Chosen:
    """The record with another baseline, or with some of its arms; nothing is trained.

    A notice says so. The error of set "2" is shared among all comparisons that could have been chosen: every pair of
    arms, or, against the planned baseline, the planned ones. Set "1" knows no such share, which the notice says.

    Args:
        record: the experiment.
        baseline: the arm that the others are compared with; where absent, the first of ``arms``, or the planned one.
        arms: those that are compared; all where empty.

    Raises:
        UserError: an arm that the experiment does not have, or fewer than two.
    """
    for arm in (*arms, *filter(None, [baseline])):
        if arm not in record.arms:
            known = ", ".join(record.arms)
            raise UserError(f"there is no arm {quote(arm)}; there are {known}{suggest(arm, record.arms)}")
    against = baseline or (arms[0] if arms else record.baseline)
    names = tuple(dict.fromkeys([against, *(arms or record.arms)]))
    if len(names) < 2:
        raise UserError(f"two arms at least are compared; {quote(against)} is one (--arms A,B)")
    if against == record.baseline and set(names) == set(record.arms):
        return Chosen(record, None)
    second = plan_of(record) is not None
    of = len(record.arms)
    family = (of - 1 if against == record.baseline else of * (of - 1) // 2) if second else None
    code = "chosen_afterwards_family" if second else "chosen_afterwards"
    said = Notice(code, detail={"planned": record.baseline})
    runs = {key: run for key, run in record.runs.items() if key.arm in names}
    return Chosen(replace(record, arms=names, baseline=against, runs=runs, notices=(said, *record.notices)), family)

"""Why a run failed, for the ledger."""

from __future__ import annotations

from droplab.errors import DivergedError, DroplabError, UserError, words_of
from droplab.userobjects import where_raised


def reason_of(problem: BaseException) -> str:
    """One line for the ledger: droplab's own message, or the type, message and place of a foreign one."""
    if isinstance(problem, DroplabError):
        return str(problem)
    return f"{words_of(problem)} (at {where_raised(problem)})"


def may_retry(problem: BaseException) -> bool:
    """Whether running the same again could end otherwise: not for NaN and not for a wrong spec."""
    return not isinstance(problem, (DivergedError, UserError))

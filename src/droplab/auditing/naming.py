"""How a dropout that executes is called in a report."""

from __future__ import annotations

from droplab.auditing.executed import Call, Executed


def named(one: Executed) -> str:
    """A dropout by its module, or by its function where the model itself calls it."""
    return one.module or one.function


def name_of_call(call: Call) -> str:
    """The same of one call."""
    return call.module or call.function

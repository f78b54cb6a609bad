"""Every dropout that executes in a model, whatever it is called, and checks of it."""

from droplab.auditing.executed import Executed, Finding
from droplab.auditing.run import Audit, audit

__all__ = ["Audit", "Executed", "Finding", "audit"]

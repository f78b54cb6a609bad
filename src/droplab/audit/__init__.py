"""Every dropout that executes in a model, whatever it is called, and checks of it."""

from droplab.audit.auditing import Audit, audit
from droplab.audit.executed import Executed, Finding

__all__ = ["Audit", "Executed", "Finding", "audit"]

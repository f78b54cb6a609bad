"""The check before an experiment: what one batch per arm can tell is known before the first run.

One check is one file here and one line in ``ARM_CHECKS`` or ``EXPERIMENT_CHECKS``. What makes an experiment wrong
stops it (``ModelError``, ``SpecError``: exit code 2, nothing is written); what its reader should know becomes a
``Notice``, kept in the ledger and said with the verdict and on the page.
"""

from droplab.execution.check.arms import check_arms
from droplab.execution.check.carry_out import Checked, check_experiment
from droplab.execution.check.sizes import check_sizes

__all__ = ["Checked", "check_arms", "check_experiment", "check_sizes"]

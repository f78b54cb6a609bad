"""How many threads a run may have on this machine."""

from __future__ import annotations

from droplab.errors import SpecError
from droplab.execution.environment import cores
from droplab.spec.tables import ComputeSpec

_PER_CORE = 4


def check_threads(compute: ComputeSpec) -> None:
    """Raise ``SpecError`` for many more threads than cores, which OpenMP answers with a crash.

    >>> check_threads(ComputeSpec(threads=1))
    """
    wanted, most = compute.threads, _PER_CORE * cores()
    if wanted is not None and wanted > most:
        raise SpecError(
            [f"compute.threads: {wanted} is more than {most}, {_PER_CORE} for each of this machine's {cores()} cores"]
        )

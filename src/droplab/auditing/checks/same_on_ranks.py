"""DL013: equal masks on all ranks."""

from __future__ import annotations

from collections.abc import Iterator

import torch.distributed as dist

from droplab.auditing.executed import Finding, Subject
from droplab.auditing.naming import name_of_call


def check(subject: Subject) -> Iterator[Finding]:
    """Dropout whose first mask is the same on every rank of the process group; not checked where there is none."""
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        subject.skipped["DL013"] = "no_ranks"
        return
    mine = [call.fingerprint if call.drops else "" for call in subject.train.calls]
    all_ranks: list[list[str] | None] = [None] * dist.get_world_size()
    dist.all_gather_object(all_ranks, mine)
    told = set[tuple[str, str]]()
    for number, call in enumerate(subject.train.calls):
        prints = {prints[number] if prints and number < len(prints) else None for prints in all_ranks}
        if prints == {mine[number]} and mine[number] and (call.module, call.place) not in told:
            told.add((call.module, call.place))
            yield Finding("DL013", name_of_call(call), call.place, {"ranks": str(dist.get_world_size())})

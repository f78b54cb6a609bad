"""Changed samples as the page draws them, within a budget of bytes."""

from __future__ import annotations

import json
from typing import Any

from droplab.contents import Cells, ChangedSample, ChangedSamples, Content, Pixels
from droplab.report.png import data_address

MOST_BYTES = 600_000
"""Of all samples in a page; an arm whose samples do not fit into what those before it leave shows none."""


def samples(changed: ChangedSamples) -> dict[str, Any]:
    """JSON-ready; empty where the experiment has nothing to show."""
    arms, room = [], MOST_BYTES
    for arm, found in changed.arms.items():
        drawn = [_sample(one) for one in found]
        size = len(json.dumps(drawn))
        fits = size <= room
        room -= size if fits else 0
        arms.append({"arm": arm, "samples": drawn if fits else [], "fits": fits})
    return {"why_not": changed.why_not, "seed": changed.seed, "arms": arms}


def _sample(one: ChangedSample) -> dict[str, Any]:
    return {
        "place": one.place,
        "input": _content(one.input),
        "truth": _content(one.truth),
        "before": _content(one.before),
        "after": _content(one.after),
        "loss": [one.loss_before, one.loss_after],
    }


def _content(content: Content | None) -> dict[str, Any] | None:
    if content is None:
        return None
    if isinstance(content, Pixels):
        address = data_address(content.data, content.width, content.height, content.channels)
        return {"k": "png", "v": address, "w": content.width, "h": content.height}
    if isinstance(content, Cells):
        return {"k": "cells", "v": [list(cell) for cell in content.cells]}
    return {"k": "text", "v": [[piece, int(wrong)] for piece, wrong in content.pieces]}

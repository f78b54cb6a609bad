"""A loop whose figures are written down: what is decided, and when, follows from them alone."""

from __future__ import annotations

import os

from tests.training.loops import Net

MEASURES = {"loss": "lower", "worker": "lower"}
LOOKS = [3, 4, 6]
ARMS = [
    {"name": "no dropout", "p": 0.0},
    {"name": "clear", "p": 0.1},
    {"name": "late", "p": 0.2},
    {"name": "open", "p": 0.3},
]
_NOISE = (0.01, -0.02, 0.015, 0.0, -0.01, 0.02)
_APART = {
    "no dropout": (0.0,) * 6,
    "clear": (-0.5, -0.501, -0.499, -0.5, -0.5, -0.5),
    "late": (-0.5, -0.1, -0.3, -0.28, -0.3, -0.32),
    "open": (-0.1, 0.1, 0.05, -0.06, 0.08, -0.09),
}
"""``clear`` is better at the first look, ``late`` at the last one, ``open`` at none."""


def train(run):
    """One epoch."""
    run.prepare(Net)
    for _ in run.epochs(1):
        run.report(val_loss=1 + _NOISE[run.seed] + _APART[run.arm.name][run.seed], worker=os.getpid())

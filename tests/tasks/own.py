"""A task as users write it: ordered levels, by one logit for each step between them."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from droplab.errors import DataError, ModelError
from droplab.records import Measure


class Bare:
    """No task at all."""


class Ordered:
    whole = {}
    measures = (Measure("loss", "lower", "nats"), Measure("off", "lower"))

    def __init__(self, levels=3):
        self.levels = levels

    def check(self, targets, where="targets"):
        if not isinstance(targets, torch.Tensor) or targets.dtype != torch.int64:
            raise DataError(f"{where} are no levels")

    def width(self, targets):
        return self.levels - 1

    def check_outputs(self, outputs, targets):
        if outputs is None or outputs.shape != (len(targets), self.levels - 1):
            raise ModelError("one logit for each step is wanted")

    def _each(self, outputs, targets):
        above = (targets[:, None] > torch.arange(self.levels - 1)).float()
        return F.binary_cross_entropy_with_logits(outputs, above, reduction="none").sum(1)

    def loss(self, outputs, targets):
        return self._each(outputs, targets).mean()

    def rows(self, outputs, targets):
        off = ((outputs > 0).sum(1) - targets).abs()
        return {
            "loss": self._each(outputs, targets).double(),
            "count": torch.ones(len(targets), dtype=torch.float64),
            "off": off.double(),
        }

    def totals(self, outputs, targets):
        return {name: row.sum(0) for name, row in self.rows(outputs, targets).items()}

    def trained(self, outputs, targets, loss):
        return {**self.totals(outputs, targets), "loss": loss.double() * len(targets)}

    def figures(self, sums):
        return {name: float(sums[name] / sums["count"]) for name in ("loss", "off")}

    def guess(self, targets):
        share = (targets[:, None] > torch.arange(self.levels - 1)).double().mean(0).clamp(1e-3, 1 - 1e-3)
        return (share / (1 - share)).log().float()[None]

    def strata(self, targets):
        return targets

    def shown(self, outputs, targets):
        return None

"""Norms and histograms of parameters and gradients: what ``wandb.watch(log="all")`` shows."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from droplab.records import Histogram

BINS = 64


def histogram(values: Tensor, kind: str, layer: str) -> Histogram:
    """64 equal bins from the smallest to the largest value; a constant tensor gets a bin width of its own.

    >>> sum(histogram(torch.arange(100.0), "parameter", "w").counts)
    100
    """
    flat = values.detach().flatten().float().cpu()
    low, high = (float(edge) for edge in torch.aminmax(flat))
    if low == high:
        half = max(abs(low), 1.0) * 1e-6
        low, high = low - half, high + half
    counts = torch.histc(flat, BINS, low, high)
    return Histogram(kind, layer, low, high, tuple(int(count) for count in counts.tolist()))


def _tensors(model: nn.Module) -> Iterator[tuple[str, str, Tensor]]:
    for name, parameter in model.named_parameters():
        if parameter.numel() == 0:
            continue
        yield "parameter", name, parameter.detach()
        if parameter.grad is not None:
            yield "gradient", name, parameter.grad


def watch(model: nn.Module) -> tuple[dict[str, float], tuple[Histogram, ...]]:
    """L2 norms by ``param_norm/NAME`` and ``grad_norm/NAME``, their totals, and all histograms.

    Gradients are those that the last backward pass left.
    """
    metrics: dict[str, float] = {}
    histograms = []
    squares = {"parameter": 0.0, "gradient": 0.0}
    prefix = {"parameter": "param_norm", "gradient": "grad_norm"}
    for kind, name, tensor in _tensors(model):
        norm = float(tensor.norm())
        metrics[f"{prefix[kind]}/{name}"] = norm
        squares[kind] += norm**2
        histograms.append(histogram(tensor, kind, name))
    metrics.update({prefix[kind]: total**0.5 for kind, total in squares.items()})
    return metrics, tuple(histograms)

"""Norms and histograms of parameters and gradients: what ``wandb.watch(log="all")`` shows."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from droplab.records import Histogram

BINS = 64
_LARGE = 1e37
"""Differences beyond this are not for float32."""
_NORMED = {torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.complex64, torch.complex128}
"""Types whose norm torch takes."""


def histogram(values: Tensor, kind: str, layer: str) -> Histogram:
    """64 equal bins from the smallest to the largest finite value; a constant tensor gets a bin width of its own.

    Values that are not finite are not counted (a frozen mask of ``-inf`` has its zeros only), and of complex
    numbers the magnitudes are.

    >>> sum(histogram(torch.arange(100.0), "parameter", "w").counts)
    100
    >>> sum(histogram(torch.tensor([0.0, -torch.inf, torch.nan]), "parameter", "mask").counts)
    1
    """
    flat = _real(values)
    flat = flat[torch.isfinite(flat)]
    if not flat.numel():
        return Histogram(kind, layer, -1e-6, 1e-6, (0,) * BINS)
    low, high = (float(edge) for edge in torch.aminmax(flat))
    if low == high:
        half = max(abs(low), 1.0) * 1e-6
        low, high = low - half, high + half
    scale = 1.0
    if not math.isfinite((high - low) * 2) or high - low > _LARGE:  # the width of a bin would overflow
        flat, scale = flat.double(), max(abs(low), abs(high))
    counts = torch.histc(flat / scale if scale != 1.0 else flat, BINS, low / scale, high / scale)
    return Histogram(kind, layer, low, high, tuple(int(count) for count in counts.tolist()))


def _real(values: Tensor) -> Tensor:
    """A tensor of any type and layout as real numbers on the CPU, in one dimension."""
    values = values.detach()
    if values.layout != torch.strided:
        values = values.coalesce().values() if values.layout == torch.sparse_coo else values.to_dense()
    if values.is_complex():
        values = values.abs()
    wide = values.dtype in {torch.float64, torch.int32, torch.int64}
    return values.flatten().to("cpu", torch.float64 if wide else torch.float32)


def _norm(values: Tensor) -> float:
    if values.layout == torch.strided and values.dtype in _NORMED:
        return float(values.norm())
    return float(_real(values).double().norm())


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
        norm = _norm(tensor)
        metrics[f"{prefix[kind]}/{name}"] = norm
        squares[kind] += norm**2 if norm < _LARGE else norm * norm  # a power raises where a product is infinite
        histograms.append(histogram(tensor, kind, name))
    metrics.update({prefix[kind]: total**0.5 for kind, total in squares.items()})
    return metrics, tuple(histograms)

"""Masks applied to arrays: arrays in, arrays out, no ``nn.Module``, no autograd."""

from droplab.kernels._dispatch import BACKENDS, apply, available, backend, chosen, forced
from droplab.kernels._prepare import prepare, prepare_meanwhile
from droplab.kernels.job import Job, Law

__all__ = [
    "BACKENDS", "Job", "Law", "apply", "available", "backend", "chosen", "forced", "prepare", "prepare_meanwhile",
]  # fmt: skip

"""32 bits for each element, as words, uniform or normal numbers: torch's operations, any device, traceable."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from droplab import rng
from droplab.kernels.job import Job
from droplab.kernels.reference import as_tensor, places, words

_LOW = 0xFFFFFFFF


def block_words(shape: tuple[int, ...], job: Job, device: torch.device) -> tuple[list[Tensor], Tensor]:
    """The four words of each element's block, int64, and which of them is the element's; 1 long where shared.

    Args:
        shape: of what is drawn.
        job: seed, step, layer (that of the stream), samples, ``batch_dim`` and ``shared`` are used.
        device: where to compute.
    """
    element, sample = places(shape, job, device)
    block = (element // rng.WIDE_TILE * rng.WIDTH + element % rng.WIDTH) & _LOW
    step, layer = as_tensor(job.step, device) & _LOW, torch.full_like(element, job.layer)
    drawn = words([block, sample & _LOW, step, layer], as_tensor(job.seed, device))
    return drawn, element % rng.WIDE_TILE // rng.WIDTH


def uniform(shape: tuple[int, ...], job: Job, device: torch.device) -> Tensor:
    """Uniform numbers in (0, 1), float64; 1 long along shared dimensions."""
    drawn, index = block_words(shape, job, device)
    word = drawn[0]
    for number in (1, 2, 3):
        word = torch.where(index == number, drawn[number], word)
    return (word.double() + 0.5) / 2**32


def normal(shape: tuple[int, ...], job: Job, device: torch.device) -> Tensor:
    """Standard normal numbers, float64; 1 long along shared dimensions."""
    drawn, index = block_words(shape, job, device)
    late = index >= 2
    u = (torch.where(late, drawn[2], drawn[0]).double() + 0.5) / 2**32
    v = (torch.where(late, drawn[3], drawn[1]).double() + 0.5) / 2**32
    angle = 2 * math.pi * v
    return (-2 * u.log()).sqrt() * torch.where(index % 2 == 1, angle.sin(), angle.cos())

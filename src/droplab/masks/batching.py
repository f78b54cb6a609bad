"""``vmap`` of a mask: the batch becomes a dimension of the job where it can, a loop where it cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from droplab.kernels.job import Job

_OWN = ("p", "seed", "step", "samples")
"""What of a job may be a tensor, and so may have a batch dimension."""


def batched(
    apply: Callable[..., Any], info: Any, in_dims: tuple[Any, ...], x: Tensor, job: Job, drop_in: bool
) -> tuple[Tensor, int]:
    """Carry out a job whose input or key has a batch dimension, which comes first in the result.

    A key names its mask, so members with one key share one mask, whether they are inputs, gradients or tangents;
    members with sample ids of their own are the samples of one batch; members with seeds of their own, which
    ``randomness="different"`` draws, are carried out one by one.

    Args:
        apply: ``Masked.apply``.
        info: what ``vmap`` says; ``batch_size`` is used.
        in_dims: for x, job, inplace and drop_in.
        x: the input.
        job: its tensors may have the batch dimension.
        drop_in: whether the seed was drawn by ``seeds.draw``.
    """
    x_dim, job_dims = in_dims[0], in_dims[1]
    own = {name: getattr(job_dims, name) for name in _OWN if getattr(job_dims, name) is not None}
    front = x.expand(info.batch_size, *x.shape) if x_dim is None else x.movedim(x_dim, 0)
    shared = tuple(dim + 1 for dim in job.shared)
    if not own:
        batch_dim = None if job.batch_dim is None else job.batch_dim + 1
        return apply(front, job._replace(shared=(0, *shared), batch_dim=batch_dim), False, drop_in), 0
    if set(own) == {"samples"} and job.batch_dim is None:
        samples = job.samples.movedim(own["samples"], 0)  # type: ignore[union-attr]  # it has a batch dimension
        return apply(front, job._replace(shared=shared, batch_dim=0, samples=samples), False, drop_in), 0
    values = {name: getattr(job, name).unbind(dim) for name, dim in own.items()}
    members = [
        apply(member, job._replace(**{name: each[index] for name, each in values.items()}), False, drop_in)
        for index, member in enumerate(front.unbind(0))
    ]
    return torch.stack(members), 0

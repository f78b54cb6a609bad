"""``vmap`` of a mask: the batch becomes a dimension of the job where it can, a loop where it cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from droplab.kernels.job import Job


def batched(
    apply: Callable[..., Any], info: Any, in_dims: tuple[Any, ...], x: Tensor, job: Job, drop_in: bool
) -> tuple[Tensor, int]:
    """Carry out a job whose input or key has a batch dimension, which comes first in the result.

    Drop-in masks are drawn anew for each member, or shared by all (``randomness="same"``). A key names its mask, so
    members with one key share one mask; members with sample ids of their own are the samples of one batch.

    Args:
        apply: ``Masked.apply``.
        info: what ``vmap`` says: ``batch_size``, ``randomness``.
        in_dims: for x, job, inplace and drop_in.
        x: the input.
        job: its tensors may have the batch dimension.
        drop_in: whether the seed was drawn by ``seeds.draw``.
    """
    x_dim, job_dims = in_dims[0], in_dims[1]
    others = (job_dims.p, job_dims.seed, job_dims.step)
    one_key = all(dim is None for dim in others)
    if x_dim is not None and one_key:
        front = x.movedim(x_dim, 0)
        shared = tuple(dim + 1 for dim in job.shared)
        if job_dims.samples is None:
            batch_dim = None if job.batch_dim is None else job.batch_dim + 1
            same = not drop_in or info.randomness == "same"
            inner = job._replace(shared=(0, *shared) if same else shared, batch_dim=batch_dim)
            return apply(front, inner, False, drop_in), 0
        if job.batch_dim is None:
            samples = job.samples.movedim(job_dims.samples, 0)  # type: ignore[union-attr]  # it has a batch dimension
            return apply(front, job._replace(shared=shared, batch_dim=0, samples=samples), False, drop_in), 0
    members = []
    for index in range(info.batch_size):
        own = {
            name: getattr(job, name).select(dim, index)
            for name, dim in (("p", job_dims.p), ("seed", job_dims.seed), ("step", job_dims.step),
                              ("samples", job_dims.samples))
            if dim is not None
        }  # fmt: skip
        member = x if x_dim is None else x.select(x_dim, index)
        members.append(apply(member, job._replace(**own), False, drop_in))
    return torch.stack(members), 0

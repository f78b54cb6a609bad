"""From shapes and strides to a few nested loops. Pure integers, no torch.

A mask's elements are numbered in the order of the tensor's own dimensions, without the sample dimension and
with shared dimensions counted once. A kernel walks memory instead; here the two are brought together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import NamedTuple

CONTIGUOUS, RUN, STRIDED, CROSSED = range(4)
"""Kinds of inner loop: neighbours in memory and in the mask; one draw for all; neighbours in the mask only; and the
same where the last outer loop is over neighbours in memory (a transposed tensor, channels last)."""


class Axis(NamedTuple):
    """One loop: its length, the step of each tensor in elements, the step of the mask's element, sample or not."""

    size: int
    strides: tuple[int, ...]
    element: int
    batch: bool


class Walk(NamedTuple):
    """Outer loops and the inner one."""

    outer: tuple[Axis, ...]
    inner: Axis
    kind: int

    @property
    def rows(self) -> int:
        """Turns of all outer loops together."""
        return prod(axis.size for axis in self.outer)


def mask_strides(shape: Sequence[int], batch_dim: int | None, shared: Sequence[int]) -> tuple[int, ...]:
    """Step of the mask's element number along each dimension; 0 where samples differ or the draw is shared.

    >>> mask_strides((8, 3, 4, 5), None, ()), mask_strides((8, 3, 4, 5), 0, (2, 3))
    ((60, 20, 5, 1), (0, 1, 0, 0))
    """
    steps, step = [], 1
    for dim in reversed(range(len(shape))):
        alone = dim != batch_dim and dim not in shared
        steps.append(step if alone else 0)
        step *= shape[dim] if alone else 1
    return tuple(reversed(steps))


@lru_cache(maxsize=512)
def walk(
    shape: tuple[int, ...], strides: tuple[tuple[int, ...], ...], batch_dim: int | None, shared: tuple[int, ...]
) -> Walk:
    """The loops over tensors of one shape, the last of ``strides`` being the one that is written.

    >>> walk((8, 4, 5), ((20, 5, 1),) * 2, 0, ())
    Walk(outer=(Axis(size=8, strides=(20, 20), element=0, batch=True),), \
inner=Axis(size=20, strides=(1, 1), element=1, batch=False), kind=0)
    """
    elements = mask_strides(shape, batch_dim, shared)
    axes = [
        Axis(size, tuple(s[dim] for s in strides), elements[dim], dim == batch_dim)
        for dim, size in enumerate(shape)
        if size != 1
    ]
    axes.sort(key=lambda axis: axis.strides[-1], reverse=True)
    merged: list[Axis] = []
    for axis in axes:
        if merged and _continues(merged[-1], axis):
            axis = axis._replace(size=axis.size * merged.pop().size)  # noqa: PLW2901  # the merged one
        merged.append(axis)
    inner, kind = _inner(merged, len(strides))
    outer = tuple(axis for axis in merged if axis is not inner)
    if kind == STRIDED and outer and outer[-1].strides[-1] == 1:
        kind = CROSSED
    return Walk(outer, inner, kind)


def _continues(outer: Axis, inner: Axis) -> bool:
    """Whether the outer loop goes on where the inner one ends, in every tensor and in the mask."""
    same = all(a == b * inner.size for a, b in zip(outer.strides, inner.strides, strict=True))
    return same and outer.element == inner.element * inner.size and not outer.batch and not inner.batch


def _inner(axes: list[Axis], tensors: int) -> tuple[Axis, int]:
    """The inner loop. Where draws differ at all, one axis has the element's step 1."""
    last = axes[-1] if axes else None
    if last is not None and last.element == 0 and not last.batch:
        return last, RUN
    for axis in reversed(axes):
        if axis.element == 1:
            return axis, CONTIGUOUS if all(stride == 1 for stride in axis.strides) else STRIDED
    return Axis(1, (1,) * tensors, 1, batch=False), CONTIGUOUS  # one draw in all, or one for each sample

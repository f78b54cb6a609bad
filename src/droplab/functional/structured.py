"""Masks shared along whole dimensions: over time, over a residual branch, over an attention head."""

from __future__ import annotations

from torch import Tensor

from droplab.errors import RankError, UserError
from droplab.functional.checking import check_input, check_rate
from droplab.functional.key import Key
from droplab.functional.masked import drop


def locked_dropout(
    input: Tensor,  # noqa: A002  # torch's name
    p: float | Tensor = 0.5,
    training: bool = True,
    *,
    batch_first: bool = True,
    key: Key | None = None,
) -> Tensor:
    """Dropout with one mask for all time steps of a sequence.

    ``y[n, t, h] = m[n, h] x[n, t, h] / (1 - p)``. Gal and Ghahramani, *A theoretically grounded application of
    dropout in recurrent neural networks*, NeurIPS 2016. Deviations: scaled in training; the rate is that of
    ``dropout``, rounded to 16 bits.

    Args:
        input: ``(N, T, H)``, or ``(T, N, H)`` where ``batch_first`` is false.
        p: drop rate in [0, 1].
        training: where false, the input itself is returned.
        batch_first: whether samples come before time.
        key: as for ``dropout``; where ``batch_first`` is false, its ``batch_dim`` 0 (the default), along which time
            runs, is taken as 1.

    Raises:
        UserError: ``p`` outside [0, 1], or an input that is not floating point.
        RankError: not three dimensions.

    >>> import torch
    >>> y = locked_dropout(torch.ones(2, 5, 8))
    >>> torch.equal(y[:, :1].expand(2, 5, 8), y)
    True
    """
    check_rate(p)
    check_input(input, "locked_dropout")
    if input.ndim != 3:
        wanted = "(N, T, H)" if batch_first else "(T, N, H)"
        raise RankError(f"locked dropout got {input.ndim} dimensions; three, {wanted}, are wanted")
    if not training:
        return input
    if key is not None and not batch_first and key.batch_dim == 0:
        key = key._replace(batch_dim=1)
    return drop(input, p, key=key, shared=(1 if batch_first else 0,))


def drop_path(
    input: Tensor,  # noqa: A002  # torch's name
    p: float | Tensor = 0.5,
    training: bool = True,
    *,
    mode: str = "row",
    key: Key | None = None,
) -> Tensor:
    """Stochastic depth: drop the whole of a residual branch, for each sample (``row``) or for all (``batch``).

    ``y[n] = m[n] x[n] / (1 - p)``. Huang et al., *Deep networks with stochastic depth*, ECCV 2016, where one draw
    holds for the batch and scaling happens at test time; here in training, as in torchvision and timm.

    Args:
        input: ``(N, *)``, the output of the branch before it is added.
        p: drop rate in [0, 1].
        training: where false, the input itself is returned.
        mode: ``"row"`` or ``"batch"``.
        key: as for ``dropout``; in ``batch`` mode without its samples, so that shards of a batch agree.

    Raises:
        UserError: ``p`` outside [0, 1], an unknown mode, or an input that is not floating point.
        RankError: no dimension.

    >>> import torch
    >>> y = drop_path(torch.ones(64, 3), 0.5)
    >>> torch.equal(y[:, :1].expand(64, 3), y), sorted(y.unique().tolist())
    (True, [0.0, 2.0])
    """
    check_rate(p)
    check_input(input, "drop_path")
    if mode not in {"row", "batch"}:
        raise UserError(f"drop_path got mode {mode!r}; 'row' or 'batch' is wanted")
    if input.ndim == 0:
        raise RankError("drop_path got 0 dimensions; at least one, (N, *), is wanted")
    if not training:
        return input
    if mode == "row":
        return drop(input, p, key=key, shared=tuple(range(1, input.ndim)))
    whole = None if key is None else Key(key.seed, key.layer, key.step, 0, None)
    return drop(input, p, key=whole, shared=tuple(range(input.ndim)))


def drop_head(
    input: Tensor,  # noqa: A002  # torch's name
    p: float | Tensor = 0.5,
    training: bool = True,
    *,
    head_dim: int = 1,
    key: Key | None = None,
) -> Tensor:
    """Drop whole attention heads of each sample.

    ``y[n, h] = m[n, h] x[n, h] / (1 - p)``. Zhou et al., *Scheduled DropHead*, Findings of EMNLP 2020. Deviations:
    scaled by ``1 / (1 - p)``, so that the mean is exact, not by heads over heads kept, which has no value where all
    heads of a sample are dropped; the paper's schedule is the caller's, since ``p`` may move.

    Args:
        input: ``(N, H, T, D)``: what the heads give, or their probabilities; ``(N, T, H, D)`` with ``head_dim=2``.
        p: drop rate in [0, 1].
        training: where false, the input itself is returned.
        head_dim: the dimension of heads, 1, 2 or 3.
        key: as for ``dropout``.

    Raises:
        UserError: ``p`` outside [0, 1], another ``head_dim``, or an input that is not floating point.
        RankError: not four dimensions.

    >>> import torch
    >>> y = drop_head(torch.ones(2, 8, 3, 4))
    >>> torch.equal(y[:, :, :1, :1].expand(2, 8, 3, 4), y)
    True
    """
    check_rate(p)
    check_input(input, "drop_head")
    check_head_dim(head_dim)
    if input.ndim != 4:
        raise RankError(f"drop_head got {input.ndim} dimensions; four, (N, H, T, D), are wanted")
    return drop(input, p, key=key, shared=tuple(d for d in (1, 2, 3) if d != head_dim)) if training else input


def check_head_dim(head_dim: int) -> None:
    """Raise unless a dimension may be that of heads.

    >>> check_head_dim(0)
    Traceback (most recent call last):
    ...
    droplab.errors.UserError: drop_head got head_dim 0; 1, 2 or 3 is wanted (0 is that of samples)
    """
    if head_dim not in {1, 2, 3}:
        raise UserError(f"drop_head got head_dim {head_dim}; 1, 2 or 3 is wanted (0 is that of samples)")

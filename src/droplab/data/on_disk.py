"""Samples that two parts share where they stay on disk: by their files, else among some of them that are read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Subset

from droplab.data.hashes import Duplicates, duplicates
from droplab.data.lazy import LazySamples
from droplab.data.picked import Picked, Source
from droplab.data.samples import Samples
from droplab.records import Notice

MOST = 20_000
"""Files of two parts together that are compared, as a folder on another machine may be slow."""
_END = 4096


def on_disk(source: Source) -> bool:
    """Whether samples are read when they are wanted."""
    while isinstance(source, Picked):
        source = source.source
    return isinstance(source, LazySamples)


def _whole_set(source: Source) -> tuple[Any, Any]:
    """The data set that a source on disk takes its samples from, and their numbers in it."""
    at = np.arange(len(source))
    while isinstance(source, Picked):
        at, source = source.ids.numpy()[at], source.source
    dataset: Any = source.dataset if isinstance(source, LazySamples) else None
    while type(dataset) is Subset:
        at, dataset = np.asarray(dataset.indices)[at], dataset.dataset
    return dataset, at


def listed_targets(source: Source) -> Tensor | None:
    """The class of each sample, ``(N,)`` int64, where the data set lists them as torchvision's do (``targets``)."""
    dataset, at = _whole_set(source)
    found = getattr(dataset, "targets", None)
    if not isinstance(found, list | np.ndarray | Tensor) or len(found) != len(dataset):
        return None
    try:
        classes = np.asarray(found)
    except (ValueError, TypeError):  # lists of several lengths, or on a GPU
        return None
    return torch.from_numpy(classes[at].astype(np.int64)) if classes.ndim == 1 and classes.dtype.kind in "iu" else None


def files_of(source: Source) -> list[str]:
    """The file of each sample; none where the data set does not say it as torchvision's folders do.

    Those have ``samples``, a path and a class for each.
    """
    dataset, at = _whole_set(source)
    pairs = getattr(dataset, "samples", None)
    if not isinstance(pairs, list) or not pairs or len(pairs) != len(dataset):
        return []
    try:
        return [os.fspath(pairs[index][0]) for index in at]
    except (TypeError, IndexError, KeyError):
        return []


def shared_files(part: str, mine: Sequence[str], other: str, theirs: Sequence[str]) -> Duplicates | None:
    """Files of a part whose bytes another part has too; of most files only the size is looked at, or the ends.

    Raises:
        OSError: one that cannot be read.
    """
    ours, others = ([Path(file).stat().st_size for file in files] for files in (mine, theirs))
    sizes = set(ours) & set(others)
    maybe = [at for at, size in enumerate(ours) if size in sizes]
    wanted = [at for at, size in enumerate(others) if size in sizes]
    for mark in (_ends, _whole):
        marks, known = [mark(mine[at]) for at in maybe], [mark(theirs[at]) for at in wanted]
        there, first = set(marks), dict(zip(reversed(known), reversed(wanted), strict=True))
        found = [(at, first[one]) for at, one in zip(maybe, marks, strict=True) if one in first]
        maybe, wanted = [at for at, _ in found], [at for at, one in zip(wanted, known, strict=True) if one in there]
    return Duplicates(part, other, len(found), len(mine), found[0]) if found else None


def _ends(file: str) -> bytes:
    with Path(file).open("rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        head = opened.read(_END)
        opened.seek(max(0, size - _END))
        return hashlib.blake2b(b"%d " % size + head + opened.read(), digest_size=16).digest()


def _whole(file: str) -> bytes:
    with Path(file).open("rb") as opened:
        return hashlib.file_digest(opened, "blake2b").digest()


def shared(part: str, parts: Mapping[str, Source], looked: Mapping[str, Sequence[bytes]]) -> Notice | None:
    """What is known of the samples that a part shares with the training part.

    Args:
        part: ``validation`` or ``test``.
        parts: all of them.
        looked: where some stay on disk, digests of inputs that were read: of all, or of some at equal distances.

    Returns:
        How many are shared, or among how many of both it was looked for; ``None`` where all were, and none is.
    """
    source, train = parts[part], parts["train"]
    if isinstance(source, Samples) and isinstance(train, Samples):
        return _noticed(duplicates(part, source.inputs, "train", train.inputs))
    if not on_disk(source) and not on_disk(train):
        return None
    mine, theirs = files_of(source), files_of(train)
    if mine and theirs and len(mine) + len(theirs) <= MOST:
        with suppress(OSError):
            return _noticed(shared_files(part, mine, "train", theirs))
    known = set(looked["train"])
    count = sum(one in known for one in looked[part])
    if (len(looked[part]), len(looked["train"])) == (len(source), len(train)):
        return Notice(f"duplicates_{part}", detail={"shared": count, "count": len(source)}) if count else None
    detail = {"shared": count, "count": len(looked[part]), "of": len(source)}
    return Notice(f"looked_{part}", detail={**detail, "others": len(looked["train"]), "of_others": len(train)})


def _noticed(found: Duplicates | None) -> Notice | None:
    return None if found is None else found.notice()

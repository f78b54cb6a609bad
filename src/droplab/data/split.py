"""The one split protocol: test first, then validation, then an optional subset for training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from droplab.data.cuts import folds
from droplab.data.parts import Part, SealedPart, Split
from droplab.data.source import Source
from droplab.data.stratify import Cut, Indices, take
from droplab.errors import DataError
from droplab.resampling import Draw

TEST_FRACTION = 0.1
"""Of the training data, where a source has no test part."""


def split(
    source: Source,
    *,
    train_size: int | None = None,
    validation_size: float | None = None,
    split_seed: int = 0,
    draw: Draw | None = None,
) -> Split:
    """Split a source: the same arguments give the same parts on every machine.

    1. If the source has no test part, a stratified tenth of its training data becomes one.
    2. If it has no validation part, ``validation_size`` of what is left (a count, or a fraction between
       0 and 1) becomes one, stratified too.
    3. If ``train_size`` is given, that many of the rest are kept, again stratified.

    Samples keep the source's order within each part. A draw chooses anew in 2 and 3, or validates on one of its folds;
    the test part stays what it is.

    Raises:
        DataError: sizes that cannot be had, or a class with too few samples for the cuts.
    """
    _check_seed(split_seed)
    labels: NDArray[np.int64] = source.train.labels.numpy()
    rest: Indices = np.arange(len(labels), dtype=np.int64)
    _check_classes(source, labels)
    cuts: dict[Cut, Indices] = {}
    chosen = split_seed if draw is None else draw.seed(split_seed)

    if source.test is None:
        size = _count("the test part", TEST_FRACTION, len(rest))
        cuts[Cut.TEST], rest = take(labels, rest, size, source.classes, split_seed, Cut.TEST)
    if source.validation is None:
        asked = source.validation_size if validation_size is None else validation_size
        if draw is not None and draw.folds:
            fold = folds(len(rest), draw.folds, strata=labels[rest], seed=chosen)[draw.fold]
            cuts[Cut.VALIDATION], rest = rest[fold.taken], rest[fold.left]
        else:
            size = _count("validation_size", asked, len(rest))
            cuts[Cut.VALIDATION], rest = take(labels, rest, size, source.classes, chosen, Cut.VALIDATION)
    elif draw is not None:
        raise own_validation(source.name, len(source.validation))
    elif validation_size is not None:
        raise DataError(
            f"validation_size {validation_size} was asked for, but {source.name} brings its own validation "
            f"part of {len(source.validation):,} samples. Leave validation_size out."
        )
    trainable = len(rest)
    if train_size is not None:
        rest = _subset(train_size, labels, rest, source.classes, chosen)
    _check_train(source, labels, rest)

    train = _pick(source.train, rest)
    validation = _pick(source.train, cuts[Cut.VALIDATION]) if source.validation is None else source.validation
    test = _pick(source.train, cuts[Cut.TEST]) if source.test is None else source.test
    return Split(
        name=source.name,
        train=train,
        validation=validation,
        test=SealedPart(test),
        classes=source.classes,
        class_names=source.class_names,
        fingerprint=_fingerprint(source, [rest, *(cuts[cut] for cut in sorted(cuts))]),
        trainable=trainable,
    )


def own_validation(name: str, count: int) -> DataError:
    """The error of splits drawn per seed of a source that has its own validation part."""
    return DataError(
        f"{name} brings its own validation part of {count:,} samples, and resample draws one out of the training "
        "samples for each seed. Leave resample out, or bring the data without that part."
    )


def _pick(part: Part, indices: Indices) -> Part:
    if len(indices) == len(part):
        return part
    chosen = torch.from_numpy(indices)
    return Part(part.images[chosen], part.labels[chosen])


def _check_seed(seed: object) -> None:
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise DataError(f"split_seed arrived as {seed!r}; wanted an integer, 0 or larger")


def _count(what: str, asked: float, available: int) -> int:
    """A number of samples from a count or a fraction of those available; at least one stays behind."""
    if isinstance(asked, bool) or not isinstance(asked, int | float):
        raise DataError(f"{what} arrived as {asked!r}; wanted a count or a fraction between 0 and 1")
    if isinstance(asked, float):
        if not 0 < asked < 1:
            raise DataError(
                f"{what} arrived as {asked!r}; a fraction lies between 0 and 1, a count is written without a point"
            )
        asked = max(1, round(asked * available))
    if asked < 1:
        raise DataError(f"{what} arrived as {asked!r}; wanted at least 1 sample")
    if asked >= available:
        raise DataError(
            f"{what} asks for {asked:,} of {available:,} samples, which leaves none to train on. "
            "Ask for fewer, or bring more data."
        )
    return asked


def _subset(train_size: object, labels: NDArray[np.int64], rest: Indices, classes: int, seed: int) -> Indices:
    if isinstance(train_size, bool) or not isinstance(train_size, int) or train_size < 1:
        raise DataError(f"train_size arrived as {train_size!r}; wanted a count of 1 or more, or None for all")
    if train_size > len(rest):
        raise DataError(
            f"train_size {train_size:,} was asked for, but {len(rest):,} training samples are available "
            "(validation and test are taken off first). Ask for at most that many, or leave train_size out."
        )
    return take(labels, rest, train_size, classes, seed, Cut.TRAIN)[0]


def _check_classes(source: Source, labels: NDArray[np.int64]) -> None:
    wanted = 1 + (source.test is None) + (source.validation is None)
    counts = np.bincount(labels, minlength=source.classes)
    small = [c for c in range(source.classes) if counts[c] < wanted]
    if small:
        first = small[0]
        parts = {1: "training", 2: "training and validation", 3: "training, validation and test"}[wanted]
        raise DataError(
            f"class {first} ({source.class_names[first]}) of {source.name} has {counts[first]} training "
            f"sample{'s' if counts[first] != 1 else ''}; wanted at least {wanted}, for {parts}"
            f"{f' (so have {len(small) - 1} more classes)' if len(small) > 1 else ''}. Labels count from 0 "
            "without gaps: renumber them, drop the class, or bring more samples."
        )


def _check_train(source: Source, labels: NDArray[np.int64], rest: Indices) -> None:
    counts = np.bincount(labels[rest], minlength=source.classes)
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        raise DataError(
            f"{len(rest):,} training samples of {source.name} are too few: class {empty[0]} "
            f"({source.class_names[empty[0]]}) would have none. Ask for a larger train_size (at least one "
            f"for each of the {source.classes} classes) or for a smaller validation_size."
        )


def _fingerprint(source: Source, indices: Sequence[Indices]) -> str:
    digest = hashlib.sha256(f"droplab split 1, {source.classes} classes\n".encode())
    for name in ("train", "validation", "test"):
        part: Part | None = getattr(source, name)
        if part is None:
            digest.update(f"{name}: cut from train\n".encode())
            continue
        for kind, tensor in (("images", part.images), ("labels", part.labels)):
            array = tensor.numpy()
            array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
            digest.update(f"{name} {kind}: {array.dtype.str} {array.shape}\n".encode())
            digest.update(array.reshape(-1).view(np.uint8).data)
    for chosen in indices:
        digest.update(f"indices: {len(chosen)}\n".encode())
        digest.update(np.ascontiguousarray(chosen, dtype="<i8").data)
    return digest.hexdigest()

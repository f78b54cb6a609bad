"""From a data set's name to its parts. A new data set is a file, a line in ``DATASETS`` and one in ``datasets.py``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from droplab.data.cifar10 import Cifar10
from droplab.data.fashion_mini import FashionMini
from droplab.data.folder import default_data_dir, user_path
from droplab.data.function import Returned, is_function, returned, source_of
from droplab.data.inputs import Inputs, declare
from droplab.data.memory import told_if_full
from droplab.data.mnist import Mnist
from droplab.data.npz import read_npz
from droplab.data.parts import Split
from droplab.data.source import Dataset, FileCheck, Progress, Source
from droplab.data.split import split
from droplab.errors import DataError, clip, quote, suggest
from droplab.resampling import Draw

DATASETS: Mapping[str, Dataset] = {
    "fashion-mnist-mini": FashionMini(),
    "cifar10": Cifar10(),
    "mnist": Mnist(),
}
"""The data sets that droplab knows by name; the first is the default."""


def load(
    name: str,
    *,
    data_dir: Path | None = None,
    train_size: int | None = None,
    validation_size: float | None = None,
    split_seed: int = 0,
    options: Mapping[str, Any] | None = None,
    inputs: Inputs = "auto",
    progress: Progress | None = None,
    draw: Draw | None = None,
    given: Returned | None = None,
) -> Split:
    """Load a data set and split it. The same arguments and data give the same split everywhere.

    Args:
        name: a name from ``catalogue``, a path that ends in ``.npz`` (see ``npz.read_npz``), or a function of
            yours as ``pkg.module:function`` (see ``function.source_of``).
        data_dir: where downloaded data sets are; ``default_data_dir()`` by default. What is absent is
            downloaded to it.
        train_size: keep this many training samples, stratified by class; all by default.
        validation_size: how much of the training data becomes the validation part: a count, or a fraction
            between 0 and 1. By default what the catalogue says; a tenth for custom data, unless they bring
            their own validation part.
        split_seed: chooses which samples go where; 0 or larger.
        options: keyword arguments for your function.
        inputs: what the numbers are: ``auto`` as the source says, ``pixels`` whole numbers in 0..255 that training
            scales to [-1, 1], ``as-is`` numbers that it leaves alone.
        progress: called with (bytes there, bytes in all) while something is downloaded.
        draw: which of the splits that could be drawn (``droplab.resampling``); the one of ``split_seed`` where absent.
        given: what your function has given, where it was called already.

    Returns:
        The parts. Those cut here are stratified by class and keep the source's order.

    Raises:
        DataError: an unknown name, data that do not hold, or sizes that cannot be had.
        ChecksumError: published files with other bytes.
        DownloadError: files are absent and no mirror gives them.

    >>> mini = load("fashion-mnist-mini", train_size=500, validation_size=200)
    >>> len(mini.train), len(mini.validation), mini.shape, mini.classes
    (500, 200, (1, 28, 28), 10)
    """
    with told_if_full(f"reading data {name}"):
        source = declare(_read(name, data_dir, options or {}, progress, given), inputs)
        return split(source, train_size=train_size, validation_size=validation_size, split_seed=split_seed, draw=draw)


def _read(
    name: str, data_dir: Path | None, options: Mapping[str, Any], progress: Progress | None, given: Returned | None
) -> Source:
    if is_function(name):
        return source_of(returned(name, options) if given is None else given)
    if options:
        raise DataError(
            f"data {quote(name)} takes no options, {clip(', '.join(options))} arrived; options go to "
            "pkg.module:function alone"
        )
    if name.endswith(".npz"):
        return read_npz(name)
    return read_source(name, data_dir, progress)


def read_source(name: str, data_dir: Path | None = None, progress: Progress | None = None) -> Source:
    """The arrays of a data set of the catalogue, not split yet.

    Raises:
        DataError: an unknown name.
        ChecksumError: published files with other bytes.
        DownloadError: files are absent and no mirror gives them.

    >>> len(read_source("fashion-mnist-mini").train)
    4000
    """
    return _known(name).read(_folder(data_dir), progress)


def _known(name: str) -> Dataset:
    if name in DATASETS:
        return DATASETS[name]
    raise DataError(
        f"unknown data set {quote(name)}{suggest(name, DATASETS)}. Known: {', '.join(DATASETS)}; "
        "or a path that ends in .npz, or a function of yours as pkg.module:function."
    )


def _folder(data_dir: Path | None) -> Path:
    return default_data_dir() if data_dir is None else user_path(data_dir).absolute()


def fetch(name: str, data_dir: Path | None = None, progress: Progress | None = None) -> Path:
    """Make sure that a data set's files are there and right; download or replace them where they are not.

    Args:
        name: a name from ``catalogue``.
        data_dir: where to; ``default_data_dir()`` by default.
        progress: called with (bytes there, bytes in all).

    Returns:
        The folder that holds the files.

    Raises:
        DataError: an unknown name.
        ChecksumError: an archive or installed file that is there has other bytes than published.
        DownloadError: no mirror gives the right bytes, or the folder cannot be written to.

    >>> fetch("fashion-mnist-mini").name
    'fashion'
    """
    return _known(name).fetch(_folder(data_dir), progress)


def verify(name: str, data_dir: Path | None = None) -> list[FileCheck]:
    """Check every file of a data set against its published checksum; nothing is changed or unpickled.

    Returns:
        One ``(file, ok, detail)`` per file.

    Raises:
        DataError: an unknown name.

    >>> [check.ok for check in verify("fashion-mnist-mini")]
    [True]
    """
    return _known(name).verify(_folder(data_dir))

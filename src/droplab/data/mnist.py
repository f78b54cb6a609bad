"""MNIST from its original idx files.

Each file is read once, its md5 is checked on those very bytes, and only then are they parsed. What is absent is
downloaded, unpacked and checked. Nothing of it ships with droplab.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from droplab.data.download import RemoteFile, download
from droplab.data.files import check, installing, md5_of, read_checked
from droplab.data.idx import parse
from droplab.data.parts import Part
from droplab.data.source import FileCheck, Progress, Source
from droplab.errors import ChecksumError, DownloadError

NAME = "mnist"
FOLDERS = ("mnist", "MNIST/raw", ".")
"""Where in the data folder the files may be: ours, torchvision's, the folder itself."""
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
VALIDATION_SIZE = 10_000
LARGEST = 50_000_000
"""Bytes; the largest file has 47 million when it is unpacked."""


@dataclass(frozen=True)
class PublishedFile:
    """A file as it lies in the folder, and the archive that it comes in."""

    name: str
    md5: str
    archive: RemoteFile


def _published(name: str, md5: str, size: int, archive_md5: str, sha256: str) -> PublishedFile:
    gz = f"{name}.gz"
    return PublishedFile(name, md5, RemoteFile(gz, size, archive_md5, sha256, tuple(m + gz for m in MIRRORS)))


TRAIN_IMAGES = _published(
    "train-images-idx3-ubyte",
    "6bbc9ace898e44ae57da46a324031adb",
    9_912_422,
    "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
)
TRAIN_LABELS = _published(
    "train-labels-idx1-ubyte",
    "a25bea736e30d166cdddb491f175f624",
    28_881,
    "d53e105ee54ea40749a09fcbcd1e9432",
    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
)
TEST_IMAGES = _published(
    "t10k-images-idx3-ubyte",
    "2646ac647ad5339dbf082846283269ea",
    1_648_877,
    "9fb629c4189551a2d022fa330f9573f3",
    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
)
TEST_LABELS = _published(
    "t10k-labels-idx1-ubyte",
    "27ae3e4e09519cfbb04c329615203637",
    4_542,
    "ec29112dd5afa0611ce80d1b7f02629c",
    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
)
FILES: Mapping[str, PublishedFile] = {
    "train images": TRAIN_IMAGES,
    "train labels": TRAIN_LABELS,
    "test images": TEST_IMAGES,
    "test labels": TEST_LABELS,
}


class Mnist:
    """MNIST for the registry; other ``files`` of the same four kinds are other data in the same form."""

    def __init__(self, files: Mapping[str, PublishedFile] = FILES) -> None:
        self.files = files

    def read(self, data_dir: Path, progress: Progress | None = None) -> Source:
        """The arrays, checked; downloads them if they are absent.

        Raises:
            ChecksumError: a file that is there has other bytes than published.
            DownloadError: one is absent and no mirror answers.
        """
        folder = self.locate(data_dir) or self.fetch(data_dir, progress)
        return Source(
            name=NAME,
            train=self._part(folder, "train"),
            validation=None,
            test=self._part(folder, "test"),
            classes=10,
            class_names=tuple("0123456789"),
            validation_size=VALIDATION_SIZE,
        )

    def fetch(self, data_dir: Path, progress: Progress | None = None) -> Path:
        """Make the files present and right; files with wrong bytes are replaced.

        Returns:
            The folder of the files.

        Raises:
            DownloadError: no mirror answers, or the folder cannot be written to.
        """
        folder = self.locate(data_dir) or data_dir / FOLDERS[0]
        with installing(folder, NAME):
            for file in self.files.values():
                if not check(folder / file.name, file.md5).ok:
                    _install(file, folder, progress)
        return folder

    def verify(self, data_dir: Path) -> list[FileCheck]:
        """Check the md5 of every file."""
        folder = self.locate(data_dir) or data_dir / FOLDERS[0]
        return [check(folder / file.name, file.md5) for file in self.files.values()]

    def locate(self, data_dir: Path) -> Path | None:
        """The folder that holds all files, unpacked; ``None`` if none does."""
        for name in FOLDERS:
            folder = data_dir / name
            if all((folder / file.name).is_file() for file in self.files.values()):
                return folder
        return None

    def _part(self, folder: Path, part: str) -> Part:
        images, labels = (self.files[f"{part} {what}"] for what in ("images", "labels"))
        pictures = parse(read_checked(folder / images.name, images.md5, NAME), str(folder / images.name))
        numbers = parse(read_checked(folder / labels.name, labels.md5, NAME), str(folder / labels.name))
        return Part(torch.from_numpy(pictures).unsqueeze(1), torch.from_numpy(numbers).long())


def _install(file: PublishedFile, folder: Path, progress: Progress | None) -> None:
    """Download a file's archive, unpack and check it; the file gets its name in one step."""
    try:
        archive = download(file.archive, folder, progress)
    except DownloadError as problem:
        raise DownloadError(
            f"{problem}\nPut {file.name} (unpacked, md5 {file.md5}) into {folder}, or, with a network, run:\n"
            f"  droplab data fetch {NAME} --data-dir {folder.parent}"
        ) from problem
    try:
        with gzip.open(archive) as stream:
            content = stream.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as problem:
        raise ChecksumError(f"{archive} cannot be unpacked ({problem}). Delete it and fetch it again.") from problem
    found = md5_of(content)
    if found != file.md5:
        raise ChecksumError(f"{archive} holds a file of md5 {found}, {file.md5} wanted. Delete it and fetch it again.")
    part = folder / f".{file.name}.part"
    part.write_bytes(content)
    part.replace(folder / file.name)
    archive.unlink()

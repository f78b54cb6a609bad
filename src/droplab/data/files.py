"""Published files in a folder: each is known by its md5, which is checked on the very bytes that are then used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from droplab.data.source import FileCheck
from droplab.errors import ChecksumError, DataError, DownloadError


def md5_of(content: bytes) -> str:
    """The checksum that publishers of data state; against damage, not against forgers.

    >>> md5_of(b"")
    'd41d8cd98f00b204e9800998ecf8427e'
    """
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def check(path: Path, md5: str) -> FileCheck:
    """Whether the file has the published bytes, without raising."""
    try:
        found = md5_of(path.read_bytes())
    except FileNotFoundError:
        return FileCheck(str(path), ok=False, detail="not there")
    except OSError as problem:
        return FileCheck(str(path), ok=False, detail=f"cannot be read: {problem}")
    if found != md5:
        return FileCheck(str(path), ok=False, detail=f"md5 {found}, {md5} wanted")
    return FileCheck(str(path), ok=True, detail=f"md5 {md5}")


def read_checked(path: Path, md5: str, dataset: str) -> bytes:
    """The file's bytes, which are the published ones.

    Args:
        path: the file.
        md5: of the published bytes.
        dataset: whose file it is, for the command that replaces it.

    Raises:
        DataError: it cannot be read.
        ChecksumError: it has other bytes.
    """
    try:
        found = path.read_bytes()
    except OSError as problem:
        raise DataError(f"{path} cannot be read: {problem}. Check its permissions.") from problem
    if md5_of(found) != md5:
        raise ChecksumError(
            f"{path} is not the published file: md5 {md5_of(found)} of {len(found):,} bytes arrived, {md5} wanted. "
            f"Nothing in it was used. To replace it: droplab data fetch {dataset} --data-dir {path.parent}"
        )
    return found


@contextmanager
def installing(folder: Path, dataset: str) -> Iterator[None]:
    """Make the folder and hold its lock, so that one process installs and others wait for it.

    Raises:
        DownloadError: the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / f".{dataset}.lock"):
            yield
    except OSError as problem:
        raise DownloadError(
            f"cannot write to {folder}: {problem}. Choose another folder with --data-dir or DROPLAB_DATA."
        ) from problem

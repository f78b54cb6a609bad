"""One published file from one of several mirrors: resumed where it broke off, checked, then renamed."""

from __future__ import annotations

import hashlib
import http.client
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from droplab._version import __version__
from droplab.data.source import Progress
from droplab.errors import DownloadError

TIMEOUT = 15.0
"""Seconds of silence after which a mirror counts as dead."""

TRIES = 3
"""How often a mirror is asked to go on where it broke off, before the next one is."""

PATIENCE = 30.0
SLOWEST = 20_000
"""A mirror that sends fewer than SLOWEST bytes a second for PATIENCE seconds is left, unless it is the last."""

CHUNK = 1 << 18


@dataclass(frozen=True)
class RemoteFile:
    """A file that was published once and for all; ``mirrors`` in the order in which they are asked."""

    name: str
    size: int
    md5: str
    sha256: str
    mirrors: tuple[str, ...]


class _Response(Protocol):
    status: int
    headers: http.client.HTTPMessage

    def read(self, amt: int) -> bytes: ...


class _MirrorError(Exception):
    """This mirror did not do; ``again`` says whether asking it once more makes sense."""

    def __init__(self, reason: str, *, again: bool = False) -> None:
        self.again = again
        super().__init__(reason)


def matches(path: Path, file: RemoteFile) -> str:
    """Empty if the bytes at ``path`` are the published ones, else what is wrong with them."""
    size = path.stat().st_size
    if size != file.size:
        return f"{size:,} bytes arrived, {file.size:,} wanted"
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            md5.update(chunk)
            sha256.update(chunk)
    for kind, found, wanted in (("md5", md5, file.md5), ("sha256", sha256, file.sha256)):
        if found.hexdigest() != wanted:
            return f"{kind} {found.hexdigest()} arrived, {wanted} wanted"
    return ""


def download(file: RemoteFile, folder: Path, progress: Progress | None = None) -> Path:
    """Download ``file`` into ``folder``, which must exist.

    Bytes go to ``NAME.part``, which a later call resumes, whichever mirror they came from: size, md5 and
    sha256 decide at the end, and only then does the file get its name.

    Args:
        file: what to get, and from where.
        folder: where to put it.
        progress: called with (bytes there, bytes in all).

    Returns:
        The path of the checked file.

    Raises:
        DownloadError: no mirror gave the right bytes (with each mirror's reason), or the folder cannot be
            written to.
    """
    part, done = folder / f"{file.name}.part", folder / file.name
    reasons = []
    for url in file.mirrors:
        try:
            _from_mirror(url, file, part, progress, last=url == file.mirrors[-1])
        except _MirrorError as problem:
            reasons.append(f"  - {url}: {problem}")
            continue
        except OSError as problem:  # the network's own are MirrorErrors by now
            raise DownloadError(
                f"cannot write {part}: {problem}. {file.size / 1e6:.0f} MB are needed there; choose another "
                "folder with --data-dir or DROPLAB_DATA."
            ) from problem
        part.replace(done)
        return done
    raise DownloadError("\n".join([f"no mirror gave the right bytes of {file.name}:", *reasons]))


def _from_mirror(url: str, file: RemoteFile, part: Path, progress: Progress | None, *, last: bool) -> None:
    """Fill ``part`` from one mirror until it holds the right bytes."""
    failures = 0
    while True:
        resumed = part.exists() and part.stat().st_size > 0
        try:
            if not resumed or part.stat().st_size != file.size:
                _transfer(url, file, part, progress, last=last)
        except _MirrorError as problem:
            failures += 1
            if problem.again and failures < TRIES:
                continue
            raise
        wrong = matches(part, file)
        if not wrong:
            return
        part.unlink()
        if not resumed:
            raise _MirrorError(wrong)
        # What it was resumed from may have been the bad half: this mirror gets a try from the start.


def _transfer(url: str, file: RemoteFile, part: Path, progress: Progress | None, *, last: bool) -> None:
    """Append to ``part`` what one request gives."""
    have = part.stat().st_size if part.exists() else 0
    if have > file.size:
        part.unlink()
        have = 0
    headers = {"User-Agent": f"droplab/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  mirrors are constants in our code
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
            start = _start(response, file, have)
            with part.open("ab" if start else "wb") as out:
                _copy(response, out, file, start, progress, last=last)
    except urllib.error.HTTPError as problem:
        problem.close()
        if problem.code == 416:  # our part is of no use to this mirror
            part.unlink(missing_ok=True)
            raise _MirrorError("it cannot resume", again=True) from problem
        raise _MirrorError(f"HTTP {problem.code} {problem.reason}") from problem
    except urllib.error.URLError as problem:
        raise _MirrorError(f"{problem.reason}") from problem
    except (http.client.HTTPException, TimeoutError, ConnectionError) as problem:
        raise _MirrorError(f"{type(problem).__name__}: {problem}") from problem


def _start(response: _Response, file: RemoteFile, have: int) -> int:
    """At which byte the answer starts; a page that is not the file is turned away before a byte is kept."""
    if response.status == 206:
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if not span or int(span[1]) != have or span[2] not in {"*", str(file.size)}:
            raise _MirrorError(f"it answered with the range {response.headers.get('Content-Range')!r}")
        return have
    length = response.headers.get("Content-Length")
    if response.status != 200 or (length is not None and length != str(file.size)):
        raise _MirrorError(f"it answered with {length} bytes (HTTP {response.status}), {file.size} wanted")
    return 0


def _copy(
    response: _Response, out: BinaryIO, file: RemoteFile, have: int, progress: Progress | None, *, last: bool
) -> None:
    window_start, window_have = time.monotonic(), have
    while True:
        try:
            chunk = response.read(CHUNK)
        except (OSError, http.client.HTTPException) as problem:
            raise _MirrorError(f"broke off after {have:,} bytes ({problem})", again=True) from problem
        if not chunk:
            break
        have += len(chunk)
        if have > file.size:
            raise _MirrorError(f"it sent more than {file.size:,} bytes")
        out.write(chunk)
        if progress is not None:
            progress(have, file.size)
        seconds = time.monotonic() - window_start
        if seconds >= PATIENCE:
            if not last and (have - window_have) / seconds < SLOWEST:
                raise _MirrorError(f"it sent {(have - window_have) / seconds / 1000:.0f} kB a second")
            window_start, window_have = time.monotonic(), have
    if have < file.size:
        raise _MirrorError(f"broke off after {have:,} of {file.size:,} bytes", again=True)

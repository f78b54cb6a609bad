"""Taking known files out of a tar archive, and nothing else."""

from __future__ import annotations

import tarfile
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from droplab.data.files import md5_of
from droplab.errors import ChecksumError


def extract(archive: Path, prefix: str, md5s: Mapping[str, str], target: Path, largest: int) -> None:
    """Extract ``PREFIX/NAME`` for each name in ``md5s`` to ``TARGET/NAME``.

    Members that are not expected are left alone. A file gets its name in ``target`` only after its md5 was
    found right, in one step, so a reader never sees half a file.

    Args:
        archive: a ``.tar.gz``.
        prefix: the folder inside the archive.
        md5s: the md5 of each wanted file by its name.
        target: the folder to fill; made if it is not there.
        largest: no wanted file is larger than this many bytes.

    Raises:
        ChecksumError: an archive that cannot be read, or a member that is missing, too large, no plain file,
            or has other bytes than published.
        OSError: the target cannot be written.
    """
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target, prefix=".extract-") as scratch:
        try:
            found = _unpack(archive, prefix, md5s, Path(scratch), largest)
        except (tarfile.TarError, zlib.error, EOFError) as problem:
            raise ChecksumError(
                f"{archive} cannot be read as a .tar.gz ({type(problem).__name__}: {problem}). "
                "Delete it and fetch it again."
            ) from problem
        if missing := sorted(set(md5s) - set(found)):
            raise ChecksumError(f"{archive} holds no plain file {prefix}/{missing[0]}. Delete it and fetch it again.")
        for name, path in found.items():
            path.replace(target / name)


def _unpack(archive: Path, prefix: str, md5s: Mapping[str, str], scratch: Path, largest: int) -> dict[str, Path]:
    wanted = {f"{prefix}/{name}": name for name in md5s}
    found: dict[str, Path] = {}
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            name = wanted.get(member.name)
            if name is None or not member.isreg():
                continue
            if member.size > largest:
                raise ChecksumError(f"{member.name} in {archive} claims {member.size:,} bytes; {largest:,} at most")
            tar.extract(member, scratch, filter="data")
            path = scratch / member.name
            md5 = md5_of(path.read_bytes())
            if md5 != md5s[name]:
                raise ChecksumError(
                    f"{member.name} in {archive} has md5 {md5}, {md5s[name]} wanted. "
                    "Delete the archive and fetch it again."
                )
            found[name] = path
    return found

"""Files for the user: whole or not at all, never through a link, and never over another file unasked."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from droplab.errors import FailureError, UserError


def check_free(target: Path, *, replace: bool, how: str = "name another file") -> Path:
    """The absolute path of a file that may be written; ask before the work, not after it.

    Raises:
        UserError: as ``whole_file``.
    """
    target = Path(os.path.abspath(target))  # noqa: PTH100  # "." and "" are folders then
    if os.path.isdir(target):  # noqa: PTH112  # unlike Path's, it answers for names that are too long
        raise UserError(f"{target} is a folder; name a file in it")
    if not replace and os.path.lexists(target):
        raise UserError(f"{target} exists already and is left as it is; {how}")
    return target


@contextmanager
def whole_file(target: Path, *, replace: bool, how: str = "name another file") -> Iterator[TextIO]:
    """A text file to write to; it gets its name when the block ends well, and is gone when it does not.

    It is written under a name that nobody can have foreseen: a link that waits under a known one, in a folder of
    somebody else's, would send the text wherever it points.

    Args:
        target: the file.
        replace: put it in the place of one that is there.
        how: what to do about one that is there, for the message.

    Raises:
        UserError: the target is a folder, has no name, or exists and is not to be replaced.
        FailureError: it cannot be written.
    """
    with _partial(target, replace=replace, how=how) as partial, partial.open("x", encoding="utf-8", newline="") as file:
        yield file


def whole_bytes(target: Path, data: bytes, *, replace: bool, how: str = "name another file") -> None:
    """The same of bytes, all at once.

    Raises:
        UserError: as ``whole_file``.
        FailureError: it cannot be written.
    """
    with _partial(target, replace=replace, how=how) as partial, partial.open("xb") as file:
        file.write(data)


@contextmanager
def _partial(target: Path, *, replace: bool, how: str) -> Iterator[Path]:
    """A name to write under, which becomes the target's."""
    target = check_free(target, replace=replace, how=how)
    partial = target.with_name(f".droplab-{secrets.token_hex(8)}.partial")
    try:
        yield partial
        partial.replace(target)
    except OSError as problem:
        raise FailureError(f"{target} cannot be written: {problem.strerror or problem}") from problem
    finally:
        with suppress(OSError):
            partial.unlink()

"""What a script prints: its last lines, whatever their number."""

from __future__ import annotations

import re
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import final

_KEPT_BYTES = 65_536
_LINES, _LONGEST = 6, 240
_OF_RANK = re.compile(r"^\[\w+?(\d+)\]:")


@final
class Output:
    """Reads all that a process prints, so that it never waits, and keeps the end of it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        with suppress(OSError, ValueError):
            while piece := pipe.read1(_KEPT_BYTES):  # type: ignore[attr-defined]  # of a buffered reader
                self._kept += piece
                del self._kept[:-_KEPT_BYTES]

    def last(self, rank: int | None = None) -> str:
        """The last lines, for the end of a message; of a rank, where ``torchrun`` says whose they are."""
        self._thread.join(timeout=1.0)
        return last_lines(bytes(self._kept), rank)

    def close(self, folder: Path) -> None:
        """The process has ended; what was kept goes to ``output.txt``, for who wants more of it."""
        self._thread.join(timeout=1.0)
        assert self._process.stdout is not None
        if not self._thread.is_alive():  # else something that the script has left behind holds its end
            self._process.stdout.close()
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "output.txt").write_bytes(bytes(self._kept))


def last_lines(printed: bytes, rank: int | None = None) -> str:
    r"""``. Its last lines: …``, or nothing where nothing was printed.

    >>> last_lines(b"one\n\ntwo\n")
    '. Its last lines:\n    one\n    two'
    >>> last_lines(b"[default0]:one\n[default1]:two\n", rank=1)
    '. Its last lines:\n    two'
    """
    lines = [line.rstrip() for line in printed.decode("utf-8", "replace").splitlines()]
    if rank is not None:
        lines = [line[found.end() :] for line in lines if (found := _OF_RANK.match(line)) and int(found[1]) == rank]
    lines = [f"    {line[:_LONGEST]}" for line in lines if line][-_LINES:]
    return "\n".join([". Its last lines:", *lines]) if lines else ""

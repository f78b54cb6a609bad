"""An experiment's page as one file, as ``droplab report`` writes it, in a process of its own that may load torch."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from droplab.board.finding import identity
from droplab.board.stamp import Stamp, stamp
from droplab.errors import FailureError, clip
from droplab.ledger import FILE_NAME

_DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


class Shared:
    """Pages that were written, each until its ledger changes. They are gone when the board ends.

    Args:
        lang: language in which they open.
    """

    def __init__(self, lang: str) -> None:
        self._lang = lang
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._written: dict[Path, Stamp] = {}
        self._told: dict[Path, Stamp] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Remove them."""
        if self._folder is not None:
            self._folder.cleanup()

    def page(self, folder: Path) -> Path:
        """The file with the page of an experiment's folder.

        Raises:
            FailureError: it cannot be made; says why, as the command does.
        """
        with self._lock:
            now = stamp(folder / FILE_NAME)
            self._folder = self._folder or tempfile.TemporaryDirectory(prefix="droplab-board-")
            target = Path(self._folder.name) / f"{identity(folder)}.html"
            if target.is_file() and self._written.get(folder, Stamp((), sure=False)).parts == now.parts:
                return target
            options = ["--lang", self._lang, "--force", "--output", str(target)]
            ran = subprocess.run(  # noqa: S603  # our own command
                [sys.executable, "-m", "droplab", "report", str(folder.absolute()), *options],
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                stdin=subprocess.DEVNULL,
                check=False,
            )
            if ran.returncode:
                raise FailureError(f"the page of {folder} cannot be written: {clip(ran.stderr.strip())}")
            self._written[folder] = now
            return target

    def payload(self, folder: Path, seen: Stamp) -> Mapping[str, Any] | None:
        """The data of that page, once for each state of the ledger; ``None`` where it was given, or cannot be."""
        if self._told.get(folder, Stamp((), sure=False)).parts == seen.parts:
            return None
        self._told[folder] = seen
        try:
            text = self.page(folder).read_text(encoding="utf-8")
        except (FailureError, OSError):
            return None  # the page that is there lacks images, and nothing else
        found = _DATA.search(text)
        data: Mapping[str, Any] | None = json.loads(found[1]) if found else None
        return data

"""Where downloaded data sets live."""

from __future__ import annotations

import os
import sys
from pathlib import Path

VARIABLE = "DROPLAB_DATA"


def default_data_dir() -> Path:
    """The folder for data sets: ``$DROPLAB_DATA``, else ``droplab`` in the platform's cache folder.

    The cache folder is ``$XDG_CACHE_HOME`` or ``~/.cache``; ``~/Library/Caches`` on macOS;
    ``%LOCALAPPDATA%`` on Windows. Nothing is created here.

    >>> default_data_dir().is_absolute()
    True
    """
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        root = str(Path.home() / "Library" / "Caches")
    else:
        root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root).absolute() / "droplab"

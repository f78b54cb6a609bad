"""Where downloaded data sets live."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

VARIABLE = "DROPLAB_DATA"


def _home() -> Path:
    """The user's home; a folder for temporary files where a container's user has none."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(tempfile.gettempdir())


def user_path(name: str | Path) -> Path:
    """A path as a user writes it: ``~`` is the home, where there is one.

    >>> user_path("a/b.npz").name
    'b.npz'
    """
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def default_data_dir() -> Path:
    """The folder for data sets: ``$DROPLAB_DATA``, else ``droplab`` in the platform's cache folder.

    The cache folder is ``$XDG_CACHE_HOME`` or ``~/.cache``; ``~/Library/Caches`` on macOS;
    ``%LOCALAPPDATA%`` on Windows. Nothing is created here.

    >>> default_data_dir().is_absolute()
    True
    """
    if chosen := os.environ.get(VARIABLE):
        return user_path(chosen).absolute()
    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA") or str(_home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        root = str(_home() / "Library" / "Caches")
    else:
        root = os.environ.get("XDG_CACHE_HOME") or str(_home() / ".cache")
    return Path(root).absolute() / "droplab"

"""Checkpoints: written whole or not at all, checked when read, the last two kept."""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from droplab.errors import CheckpointError

_MAGIC = b"droplab checkpoint 1\n"
_KEEP = 2
_NAME = re.compile(r"epoch-[0-9]{1,9}\.ckpt")


@dataclass(frozen=True)
class Loaded:
    """A checkpoint that was read: the epochs it covers and the trainer's state."""

    epochs_done: int
    state: dict[str, Any]


class CheckpointStore:
    """The checkpoints of one run, in a folder of their own.

    A file is a magic line, the SHA-256 of the rest, and ``torch.save``'s bytes. It is written beside its
    final name, flushed to the disk and renamed, so that a reader finds the old file or the new one.

    Args:
        folder: made on the first save.
        say: told of every file that could not be read.
    """

    def __init__(self, folder: Path, say: Callable[[str], None] = lambda _text: None) -> None:
        self.folder = folder
        self._say = say

    def _paths(self) -> list[Path]:
        """Newest first."""
        named = (path for path in self.folder.glob("epoch-*.ckpt") if _NAME.fullmatch(path.name))
        return sorted(named, key=lambda path: int(path.stem.removeprefix("epoch-")), reverse=True)

    def save(self, epochs_done: int, state: dict[str, Any]) -> Path:
        """Write the state after ``epochs_done`` epochs, then remove all but the last two files.

        Raises:
            CheckpointError: the disk is full or the folder cannot be written.
        """
        buffer = io.BytesIO()
        torch.save(state, buffer)
        payload = buffer.getvalue()
        path = self.folder / f"epoch-{epochs_done:06d}.ckpt"
        partial = path.with_suffix(f".partial-{os.getpid()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                file.write(_MAGIC + hashlib.sha256(payload).digest() + payload)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except OSError as problem:
            partial.unlink(missing_ok=True)
            raise CheckpointError(
                f"the checkpoint {path} cannot be written: {problem.strerror or problem}. "
                "All finished epochs are kept; make room or mend the permissions, then run the same "
                "command again."
            ) from problem
        for old in self._paths()[_KEEP:]:
            old.unlink(missing_ok=True)
        for left in self.folder.glob("*.partial-*"):
            left.unlink(missing_ok=True)
        return path

    def latest(self, at_most: int | None = None) -> Loaded | None:
        """The newest readable checkpoint that covers no more than ``at_most`` epochs; ``None`` without one.

        A file that is truncated or damaged is reported through ``say`` and passed over.
        """
        for path in self._paths():
            epochs_done = int(path.stem.removeprefix("epoch-"))
            if at_most is not None and epochs_done > at_most:
                continue
            try:
                return Loaded(epochs_done, _read(path))
            except (OSError, ValueError) as problem:
                self._say(f"checkpoint {path} is not used ({problem}); falling back to the one before it")
        return None

    def final(self, epochs: int) -> Loaded:
        """The checkpoint after the last epoch.

        Raises:
            CheckpointError: it is missing or damaged.
        """
        found = self.latest(epochs)
        if found is None or found.epochs_done != epochs:
            raise CheckpointError(
                f"{self.folder} has no readable checkpoint after epoch {epochs}. "
                "Run the experiment's command again with --fresh to train the run anew."
            )
        return found


def _read(path: Path) -> dict[str, Any]:
    raw = path.read_bytes()
    head = len(_MAGIC) + 32
    if not raw.startswith(_MAGIC) or len(raw) < head:
        raise ValueError("it is not a whole droplab checkpoint")
    payload = raw[head:]
    if hashlib.sha256(payload).digest() != raw[len(_MAGIC) : head]:
        raise ValueError("its checksum does not match: it is truncated or damaged")
    state: dict[str, Any] = torch.load(io.BytesIO(payload), weights_only=True)
    return state

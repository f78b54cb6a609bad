"""Checkpoints: written whole or not at all, checked when read, the last two kept."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from droplab.errors import CheckpointError, ModelError
from droplab.training.port import Loaded, Port, Store

_MAGIC = b"droplab checkpoint 1\n"
_KEEP = 2
_NAME = re.compile(r"epoch-[0-9]{1,9}\.ckpt")


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
        self._read_back = False

    def _paths(self) -> list[Path]:
        """Newest first."""
        named = (path for path in self.folder.glob("epoch-*.ckpt") if _NAME.fullmatch(path.name))
        return sorted(named, key=lambda path: int(path.stem.removeprefix("epoch-")), reverse=True)

    def check(self, state: dict[str, Any]) -> None:
        """See ``check_state``."""
        check_state(state)

    def save(self, epochs_done: int, state: dict[str, Any], keep: int = _KEEP) -> Path:
        """Write the state after ``epochs_done`` epochs, then remove all files but the last ones up to it.

        The first one is read again.

        Args:
            epochs_done: beyond these there is nothing: a later file is of a life that the ledger does not have.
            state: tensors, numbers, words, lists and dicts.
            keep: how many files stay.

        Raises:
            CheckpointError: the disk is full or the folder cannot be written.
            ModelError: the state holds what cannot be read without running code.
        """
        raw = encoded(state, read_back=not self._read_back)
        self._read_back = True
        return self.put(epochs_done, raw, keep)

    def put(self, epochs_done: int, raw: bytes, keep: int = _KEEP) -> Path:
        """Write what ``encoded`` gave; see ``save``."""
        path = self.folder / f"epoch-{epochs_done:06d}.ckpt"
        partial = path.with_suffix(f".partial-{os.getpid()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial.unlink(missing_ok=True)  # a link that waits there is not followed
            with partial.open("xb") as file:
                file.write(raw)
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
        for number, old in enumerate(
            sorted(self._paths(), key=lambda one: (_epochs(one) > epochs_done, -_epochs(one)))
        ):
            if number >= keep or _epochs(old) > epochs_done:
                old.unlink(missing_ok=True)
        for left in self.folder.glob("*.partial-*"):
            left.unlink(missing_ok=True)
        return path

    def latest(self, at_most: int | None = None) -> Loaded | None:
        """The newest readable checkpoint that covers no more than ``at_most`` epochs; ``None`` without one.

        A file that is truncated or damaged is reported through ``say`` and passed over.
        """
        found = self._newest(at_most)
        return found[1] if found else None

    def raw(self, at_most: int | None = None) -> tuple[int, bytes] | None:
        """Epochs and bytes of the file that ``latest`` would read."""
        found = self._newest(at_most)
        return (found[1].epochs_done, found[0]) if found else None

    def _newest(self, at_most: int | None) -> tuple[bytes, Loaded] | None:
        for path in self._paths():
            epochs_done = _epochs(path)
            if at_most is not None and epochs_done > at_most:
                continue
            try:
                raw = path.read_bytes()
                return raw, Loaded(epochs_done, decoded(raw))
            except (OSError, ValueError, pickle.UnpicklingError, RuntimeError) as problem:
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


def store_of(folder: Path, port: Port) -> Store:
    """Where a run keeps its state: in its folder, or with the driver, where the two have no disk in common."""
    elsewhere: Store | None = getattr(port, "store", None)
    return elsewhere if elsewhere is not None else CheckpointStore(folder, port.say)


def check_state(state: dict[str, Any]) -> None:
    """See that a state could be written and read again, tensors left out.

    Raises:
        ModelError: it holds what cannot be read without running code; the message names it.
    """
    culprit = _unreadable(_without_tensors(state))
    if culprit:
        raise _cannot_be_kept(culprit)


def encoded(state: dict[str, Any], *, read_back: bool) -> bytes:
    """A checkpoint file's bytes.

    Args:
        state: see ``CheckpointStore.save``.
        read_back: see that all of it comes back.

    Raises:
        ModelError: the state holds what cannot be read without running code.
    """
    check_state(state)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getvalue()
    if read_back:
        culprit = _unreadable(state) if not _round_trips(state) else ""
        if culprit:
            raise _cannot_be_kept(culprit)
    return _MAGIC + hashlib.sha256(payload).digest() + payload


def decoded(raw: bytes) -> dict[str, Any]:
    """The inverse.

    Raises:
        ValueError: they are not whole.
    """
    head = len(_MAGIC) + 32
    if not raw.startswith(_MAGIC) or len(raw) < head:
        raise ValueError("it is not a whole droplab checkpoint")
    payload = raw[head:]
    if hashlib.sha256(payload).digest() != raw[len(_MAGIC) : head]:
        raise ValueError("its checksum does not match: it is truncated or damaged")
    state: dict[str, Any] = torch.load(io.BytesIO(payload), weights_only=True)
    return state


def _epochs(path: Path) -> int:
    return int(path.stem.removeprefix("epoch-"))


def _without_tensors(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_tensors(inner) for key, inner in value.items()}
    if type(value) in {list, tuple}:
        return [_without_tensors(inner) for inner in value]
    return None if type(value) in {torch.Tensor, torch.nn.Parameter} else value


def _round_trips(value: Any) -> bool:
    buffer = io.BytesIO()
    try:
        torch.save(value, buffer)
        torch.load(io.BytesIO(buffer.getvalue()), weights_only=True)
    except Exception:  # noqa: BLE001  # whatever it is, it could not be read when it is wanted
        return False
    return True


def _unreadable(value: Any, place: str = "") -> str:
    """Where a value holds something that does not come back, and of what type; empty where all does."""
    if _round_trips(value):
        return ""
    inner: Any = value.items() if isinstance(value, dict) else enumerate(value) if type(value) in {list, tuple} else ()
    for key, one in inner:
        found = _unreadable(one, f"{place}.{key}".lstrip("."))
        if found:
            return found
    return f"{place or 'it'} is a {type(value).__module__}.{type(value).__qualname__}".replace("a builtins.", "a ")


def _cannot_be_kept(culprit: str) -> ModelError:
    return ModelError(
        f"the model's state cannot be kept in a checkpoint that is safe to read: {culprit}. Give tensors, numbers, "
        "words, lists and dicts in state_dict and get_extra_state (a set as a list, a path as its str, a NumPy "
        "number as float(…)); without a checkpoint an interrupted run could not go on."
    )

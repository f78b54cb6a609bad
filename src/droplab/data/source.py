"""What a data set's file hands over, before it is split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from droplab.data.parts import Part

Progress = Callable[[int, int], None]
"""Called with (bytes there, bytes in all) while a file is downloaded."""


@dataclass(frozen=True)
class Source:
    """The parts that a source has of its own; ``None`` where the split protocol has to cut one.

    ``validation_size`` is what is cut off when the caller does not say: a count or a fraction.
    """

    name: str
    train: Part
    validation: Part | None
    test: Part | None
    classes: int
    class_names: tuple[str, ...]
    validation_size: int | float = 0.1


class FileCheck(NamedTuple):
    """One file, whether its bytes are the published ones, and what was found."""

    file: str
    ok: bool
    detail: str


class Dataset(Protocol):
    """What a data set's file offers to the registry."""

    def read(self, data_dir: Path, progress: Progress | None) -> Source:
        """The arrays, after their checksums were found right; downloads what is absent."""

    def fetch(self, data_dir: Path, progress: Progress | None) -> Path:
        """Make sure that the files are there, and say in which folder."""

    def verify(self, data_dir: Path) -> list[FileCheck]:
        """Check every file, without raising."""

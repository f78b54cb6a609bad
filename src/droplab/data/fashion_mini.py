"""fashion-mnist-mini: a class-balanced subset of Fashion-MNIST that is installed with droplab.

``fashion/`` holds it: one xz file, ``manifest.json`` with its sizes and checksums, the licence and where it
comes from. ``scripts/make_fashion_subset.py`` makes it. All sizes here come from the manifest.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from droplab.data.parts import Part
from droplab.data.source import FileCheck, Progress, Source
from droplab.errors import ChecksumError

NAME = "fashion-mnist-mini"
HERE = Path(__file__).parent / "fashion"

REINSTALL = "The installation is damaged: reinstall droplab (pip install --force-reinstall --no-deps droplab)."


class FashionMini:
    """The embedded subset for the registry. It is read from the installation, whatever ``data_dir`` says."""

    def __init__(self, folder: Path = HERE) -> None:
        self.folder = folder

    def read(self, data_dir: Path, progress: Progress | None = None) -> Source:
        """The arrays, checked.

        Raises:
            ChecksumError: the installed file has other bytes than the manifest says, or is not there.
        """
        del data_dir, progress  # nothing to look for and nothing to download
        manifest = self._manifest()
        content = self._content(manifest)
        arrays = _decode(content, manifest)
        return Source(
            name=NAME,
            train=_part(arrays, "train"),
            validation=None,
            test=_part(arrays, "test"),
            classes=len(manifest["class_names"]),
            class_names=tuple(manifest["class_names"]),
            validation_size=manifest["sizes"]["validation"],
        )

    def fetch(self, data_dir: Path, progress: Progress | None = None) -> Path:
        """The folder in the installation; there is nothing to fetch.

        Raises:
            ChecksumError: the installed file has other bytes than the manifest says.
        """
        del data_dir, progress
        self._content(self._manifest())
        return self.folder

    def verify(self, data_dir: Path) -> list[FileCheck]:
        """Check the installed file, and the arrays in it."""
        del data_dir
        try:
            manifest = self._manifest()
            _decode(self._content(manifest), manifest)
        except ChecksumError as problem:
            return [FileCheck(str(self.folder), ok=False, detail=str(problem))]
        return [FileCheck(str(self.folder / manifest["file"]), ok=True, detail=f"sha256 {manifest['file_sha256']}")]

    def _manifest(self) -> dict[str, Any]:
        path = self.folder / "manifest.json"
        try:
            manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as problem:
            raise ChecksumError(f"{path} cannot be read ({problem}). {REINSTALL}") from problem
        return manifest

    def _content(self, manifest: dict[str, Any]) -> bytes:
        path = self.folder / str(manifest["file"])
        try:
            content: bytes = path.read_bytes()
        except OSError as problem:
            raise ChecksumError(f"{path} cannot be read ({problem}). {REINSTALL}") from problem
        found = hashlib.sha256(content).hexdigest()
        if found != manifest["file_sha256"]:
            raise ChecksumError(f"{path} has sha256 {found}, {manifest['file_sha256']} wanted. {REINSTALL}")
        return content


def _decode(content: bytes, manifest: dict[str, Any]) -> dict[str, NDArray[np.uint8]]:
    """The arrays lie one after the other, in the manifest's order."""
    raw = np.frombuffer(lzma.decompress(content, format=lzma.FORMAT_XZ), dtype=np.uint8)
    arrays: dict[str, NDArray[np.uint8]] = {}
    start = 0
    for entry in manifest["arrays"]:
        stop = start + int(np.prod(entry["shape"]))
        piece = raw[start:stop]
        found = hashlib.sha256(piece.data).hexdigest()
        if found != entry["sha256"]:
            raise ChecksumError(f"{entry['name']} of {NAME} has sha256 {found}, {entry['sha256']} wanted. {REINSTALL}")
        arrays[entry["name"]] = piece.reshape(entry["shape"])
        start = stop
    return arrays


def _part(arrays: dict[str, NDArray[np.uint8]], name: str) -> Part:
    images, labels = arrays[f"{name}_images"], arrays[f"{name}_labels"]
    return Part(torch.from_numpy(images.copy()), torch.from_numpy(labels.astype(np.int64)))

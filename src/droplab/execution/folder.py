"""Where an experiment lives on disk."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from droplab.errors import FailureError, UserError
from droplab.spec.experiment import ExperimentSpec
from droplab.spec.same import in_one_spelling

_LONGEST = 60
"""Bytes of a name that go into a folder's; systems count bytes, and a character can have four."""
HOME = Path("droplab-runs")
"""Default parent of experiments, in the working directory."""


def default_folder(spec: ExperimentSpec) -> Path:
    """``droplab-runs/NAME-IDENTITY``: the same spec always finds its own folder, however its arms are spelled.

    >>> default_folder(ExperimentSpec(name="My test")).name.startswith("my-test-")
    True
    """
    as_written = folder_for(spec.name, spec.identity())
    return as_written if as_written.exists() else folder_for(spec.name, in_one_spelling(spec).identity())


def folder_for(name: str, identity: str) -> Path:
    """``droplab-runs/NAME-IDENTITY`` for an experiment's name and identity."""
    slug = re.sub(r"[^\w]+", "-", name.lower()).strip("-_")
    slug = slug.encode()[:_LONGEST].decode(errors="ignore") or "experiment"
    return HOME / f"{slug}-{identity}"


def fresh_folder(folder: Path) -> Path:
    """The first of ``folder``, ``folder-2``, ``folder-3``, … that does not exist.

    Raises:
        UserError: the folder is the root, which has no name.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100  # "." has no name to append a number to
    if not folder.name:
        raise UserError(f"--out {folder} has no name to which --fresh could append a number; name a folder")
    candidate, number = folder, 2
    while os.path.lexists(candidate):
        candidate, number = folder.with_name(f"{folder.name}-{number}"), number + 1
    return candidate


def make_folder(folder: Path) -> None:
    """Make the folder and see that files can be written in it.

    Raises:
        FailureError: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix=".probe-") as probe:  # a name that nobody can have taken
            probe.write(b"droplab")
    except OSError as problem:
        raise FailureError(
            f"{folder} cannot be written: {problem.strerror or problem}. Choose another place with --out DIR."
        ) from problem


def run_folder(folder: Path, run_id: int) -> Path:
    """Where a run's checkpoints are; numbered, as names of arms may be anything."""
    return folder / "runs" / f"{run_id:04d}"

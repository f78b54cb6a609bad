"""``droplab data``."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

data = App(name="data", help="Data sets: what there is, fetch one, check its files.")


@data.command(name="list")
def list_() -> None:
    """List the data sets that droplab knows by name."""
    from rich.table import Table

    from droplab.cli.terminal import show
    from droplab.datasets import catalogue

    table = Table("name", "what it is", "sample", "classes", "licence", "download")
    for entry in catalogue():
        shape = "×".join(str(size) for size in entry.shape)
        download = "yes" if entry.needs_download else "comes with droplab"
        table.add_row(entry.name, entry.description, shape, str(entry.classes), entry.licence, download)
    show(table)


@data.command
def fetch(name: str, *, data_dir: Path | None = None) -> None:
    """Download a data set and check it; what is there already is kept, a broken download is resumed.

    Args:
        name: A name from `droplab data list`.
        data_dir: Where to put it (default: $DROPLAB_DATA, then the user's cache).
    """
    from droplab.cli.progress import download_progress
    from droplab.cli.terminal import say
    from droplab.data import fetch as fetch_data

    with download_progress() as report:
        place = fetch_data(name, data_dir, report)
    say(place)


@data.command
def verify(name: str, *, data_dir: Path | None = None) -> None:
    """Compare a data set's files with the published checksums.

    Args:
        name: A name from `droplab data list`.
        data_dir: Where it is (default: $DROPLAB_DATA, then the user's cache).
    """
    from droplab.cli.terminal import say
    from droplab.data import verify as verify_data
    from droplab.errors import ChecksumError

    checks = verify_data(name, data_dir)
    for check in checks:
        say(f"{'ok ' if check.ok else 'BAD'}  {check.file}  {check.detail}".rstrip())
    bad = sum(not check.ok for check in checks)
    if bad:
        raise ChecksumError(f"{bad} of {len(checks)} files of {name} are missing or not the published ones")

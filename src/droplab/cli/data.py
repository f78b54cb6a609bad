"""``droplab data``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

ABOUT = "Data sets: what there is, fetch one, check its files."


def list_(
    *,
    plain: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
    lang: str | None = None,
) -> None:
    """List the data sets that droplab knows by name.

    Args:
        plain: Lines with tabs between the values, for programs.
        json: The same as JSON, a list with an object for each data set.
        lang: Language, en or ja (default: $DROPLAB_LANG, then the system's).
    """
    from droplab.cli.tabling import Column, hand_rows, tell
    from droplab.cli.words import language, words
    from droplab.datasets import catalogue

    language(lang)
    if plain or json:
        keys = ("name", "description", "licence", "shape", "classes", "sizes", "needs_download")
        rows = [[getattr(entry, key) for key in keys] for entry in catalogue()]
        hand_rows([Column(key, "") for key in keys], rows, json=json)
        return
    heads = [Column("name", words("data.name")), Column("sample", words("data.sample"))]
    heads.append(Column("about", words("data.about"), prose=True))
    told = []
    for entry in catalogue():
        size = words("data.size", classes=entry.classes, **{part: f"{size:,}" for part, size in entry.sizes.items()})
        licence = words("data.licence", licence=words(f"data.{entry.name}.licence"))
        there = words("data.download" if entry.needs_download else "data.comes")
        about = [words(f"data.{entry.name}"), size, licence, there]
        told.append([entry.name, "×".join(str(side) for side in entry.shape), words("data.join").join(about)])
    tell(heads, told)


def fetch(name: str, *, data_dir: Path | None = None, lang: str | None = None) -> None:
    """Download a data set and check it; what is there already is kept, a broken download is resumed.

    Args:
        name: A name from `droplab data list`.
        data_dir: Where to put it (default: $DROPLAB_DATA, then the user's cache).
        lang: Language, en or ja (default: $DROPLAB_LANG, then the system's).
    """
    from droplab.cli.progress import download_progress
    from droplab.cli.terminal import say
    from droplab.cli.words import language
    from droplab.data import fetch as fetch_data

    language(lang)
    with download_progress() as report:
        place = fetch_data(name, data_dir, report)
    say(place)


def verify(name: str, *, data_dir: Path | None = None, lang: str | None = None) -> None:
    """Compare a data set's files with the published checksums.

    Args:
        name: A name from `droplab data list`.
        data_dir: Where it is (default: $DROPLAB_DATA, then the user's cache).
        lang: Language, en or ja (default: $DROPLAB_LANG, then the system's).
    """
    from droplab.cli.terminal import say
    from droplab.cli.translating import translate
    from droplab.cli.words import language
    from droplab.data import verify as verify_data
    from droplab.errors import ChecksumError

    lang = language(lang)
    checks = verify_data(name, data_dir)
    for check in checks:
        say(f"{'ok ' if check.ok else 'BAD'}  {check.file}  {translate(check.detail, lang)}".rstrip())
    bad = sum(not check.ok for check in checks)
    if bad:
        raise ChecksumError(f"{bad} of {len(checks)} files of {name} are missing or not the published ones")


def commands() -> Mapping[str, Callable[..., None]]:
    """By their second word."""
    return {"list": list_, "fetch": fetch, "verify": verify}

"""What the scripts that write files of the repository have in common: write, or compare."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def write(about: str | None, wanted: Mapping[Path, str], there: Iterable[Path] = ()) -> int:
    """Carry out a script's command line, where ``--check`` compares; the exit status.

    Args:
        about: the script's docstring.
        wanted: what files are to hold.
        there: files of the script's that go where they are not wanted any more.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit 1 where what is there differs; write nothing")
    check = parser.parse_args().check
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    gone = sorted(set(there) - wanted.keys())
    if check:
        for path in [*stale, *gone]:
            print(f"{path.relative_to(ROOT)} is not what the kinds' files say; run make write")
        return 1 if stale or gone else 0
    for path in gone:
        path.unlink()
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
    return 0

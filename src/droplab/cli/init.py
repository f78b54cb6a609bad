"""``droplab init``."""

from __future__ import annotations

from pathlib import Path


def init(path: Path = Path("droplab.toml")) -> None:
    """Write a commented example of a spec; an existing file is left alone.

    Args:
        path: The file to write.
    """
    from droplab.cli.terminal import say
    from droplab.report.writing import whole_file
    from droplab.spec.presets import example

    with whole_file(path, replace=False) as file:
        file.write(example(str(path)))
    say(f"wrote {path}; run it with: droplab compare {path}")

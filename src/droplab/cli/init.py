"""``droplab init``."""

from __future__ import annotations

from pathlib import Path


def init(path: Path = Path("droplab.toml"), *, lang: str | None = None) -> None:
    """Write a commented example of a spec; an existing file is left alone.

    Args:
        path: The file to write.
        lang: Language, en or ja (default: $DROPLAB_LANG, then the system's).
    """
    from droplab.cli.terminal import say
    from droplab.cli.words import language, words
    from droplab.report.writing import whole_file
    from droplab.spec.presets import example

    lang = language(lang)
    with whole_file(path, replace=False) as file:
        file.write(example(str(path), lang))
    say(words("init.wrote", path=str(path)))

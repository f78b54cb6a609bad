"""``droplab report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def report(
    folder: Path,
    *,
    lang: str | None = None,
    output: Path | None = None,
    force: Annotated[bool, Parameter(negative="")] = False,
    data_dir: Path | None = None,
) -> None:
    """Write the page of an experiment again, finished or not: one HTML file that needs no network.

    Args:
        folder: The experiment's folder.
        lang: Language in which the page opens, en or ja (default: $DROPLAB_LANG, then the system's); readers can
            switch.
        output: The file (default: report.html in the folder, which is replaced).
        force: Replace the file of --output if it is there.
        data_dir: Where the data set is, if it has moved; the page shows images only where it is found.
    """
    from droplab.cli.terminal import columns, say
    from droplab.cli.words import language, words
    from droplab.results import Results

    lang = language(lang)
    page = Results.read(folder).write_page(output, lang, data_dir=data_dir, replace=force)
    say(words("page.at", address=page.absolute().as_uri()) if columns() else page)  # scripts take the path

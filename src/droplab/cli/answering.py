"""The verdict on the terminal: as wide as it is, its answers coloured by what they mean."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from droplab.analysis import Verdict
from droplab.cli.terminal import columns, say_styled
from droplab.records import ExperimentRecord
from droplab.report import render, texts

COLOURS = {"better": "blue", "worse": "dark_orange", "cost": "dark_orange"}
"""Of consequences; what is open or makes no difference has none."""


def say_verdict(found: Verdict, record: ExperimentRecord, lang: str) -> None:
    """Print a verdict in words.

    Raises:
        FailureError: as of ``terminal.say``.
    """
    say_styled(coloured(render(found, record, lang, columns()), lang))


def coloured(text: str, lang: str) -> Iterator[Text]:
    r"""Lines, of which those that end in an answer have its colour there.

    >>> [span.style for line in coloured("a  -0.1  better\nis it better?", "en") for span in line.spans]
    ['blue']
    """
    answers = {f"  {texts(lang)[f'status.{says}']}": colour for says, colour in COLOURS.items()}
    for line in text.split("\n"):
        shown = Text(line)
        for answer, colour in answers.items():
            if line.endswith(answer):
                shown.stylize(colour, len(line) - len(answer))
        yield shown

"""The language in which the command line speaks, and its texts: ``locales/CODE.json``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from droplab.languages import LANGUAGES, Count, check_language, read_texts, wanted_language

_spoken = [LANGUAGES[0]]
"""The one of this process, which is a command."""


def speak(arguments: Sequence[str]) -> str:
    """Speak what a command line asks for: ``--lang``, else the environment. The command itself checks its ``--lang``.

    Raises:
        UserError: ``DROPLAB_LANG`` is no language of droplab's.

    >>> speak(["runs", "x", "--lang", "ja"]), speak(["launch", "--lang=en", "--", "train.py", "--lang", "ja"])
    ('ja', 'en')
    """
    _spoken[0] = LANGUAGES[0]
    own = list(arguments)[: list(arguments).index("--")] if "--" in arguments else list(arguments)
    named = [after for word, after in pairwise(own) if word == "--lang"]
    named += [word.removeprefix("--lang=") for word in own if word.startswith("--lang=")]
    _spoken[0] = named[-1] if named and named[-1] in LANGUAGES else wanted_language(os.environ)
    return _spoken[0]


def language(given: str | None = None) -> str:
    """The language of a command: as it was given, else the one that is spoken.

    Raises:
        UserError: droplab does not speak it.
    """
    if given is not None:
        check_language(given)
        _spoken[0] = given
    return _spoken[0]


def words(key: str, lang: str | None = None, **values: Any) -> str:
    """A text of the command line with its placeholders filled; ``{n:run|runs}`` says which word goes with a number.

    >>> words("runs.opened", "en", count=1)
    'The test set was opened 1 time.'
    """
    template = read_texts("droplab.cli", "locales", lang or _spoken[0])[key]
    counted = {name: Count(value) if type(value) is int else value for name, value in values.items()}
    return str(template).format(**counted)

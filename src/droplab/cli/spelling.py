"""Command lines as they may be typed, and as commands read them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from droplab.errors import UserError
from droplab.languages import check_language

_LANG = "--lang"
_OF_PROGRAMS = {"--help", "-h", "--version"}
"""Options that stand where a command's name does."""
_CODES = "--fail-on"
_CODE = re.compile(r"(DL\d+|any|none)(,(DL\d+|any|none))*,?")


def spelt_out(given: Sequence[str], groups: Collection[str] = ()) -> list[str]:
    """A command line that begins with its command, with one value for each option.

    The language may stand before a command's name, as every command has it; a sink of one's own, where the names of
    the others do; and after codes of one ``--fail-on``, the model.

    Args:
        given: the words.
        groups: names of commands of two words.

    Raises:
        UserError: another option stands before the command's name, or no command is named and droplab does not speak
            the language.

    >>> spelt_out(["export", "--lang", "ja", "my.sinks:Mine", "DIR"], {"export"})
    ['export', 'sink', '--lang', 'ja', 'my.sinks:Mine', 'DIR']
    >>> spelt_out(["audit", "--fail-on", "DL001", "DL002", "my.nets:net"])
    ['audit', '--fail-on', 'DL001', '--fail-on', 'DL002', 'my.nets:net']
    """
    name, language, rest = list[str](), list[str](), list(given)
    while rest and _is_open(name, groups):
        word = rest[0]
        if word == _LANG or word.startswith(f"{_LANG}="):
            count = 2 if word == _LANG else 1
            language, rest = [*language, *rest[:count]], rest[count:]
        elif name == ["export"] and ":" in word and not word.startswith("-"):
            name.append("sink")
        elif word in _OF_PROGRAMS or not word.startswith("-"):
            name.append(rest.pop(0))
        else:
            where = " ".join(["droplab", *name, "COMMAND"])
            raise UserError(f"{word} stands before the command's name; options go after it: {where} {word}")
    if language and _is_open(name, groups):
        check_language(language[-1].removeprefix(f"{_LANG}="))
        name.append("--help")
    return [*name, *language, *(_one_by_one(rest) if name == ["audit"] else rest)]


def _is_open(name: Sequence[str], groups: Collection[str]) -> bool:
    """Whether a command's name wants another word."""
    return not name or (len(name) == 1 and name[0] in groups)


def _one_by_one(words: Iterable[str]) -> list[str]:
    """Each code with an option of its own; the first word after one is its value, whatever it is."""
    found, wanted, follows = list[str](), False, False
    for word in words:
        if follows and _CODE.fullmatch(word):
            found.append(_CODES)
        else:
            follows = wanted or word.startswith(f"{_CODES}=")
        wanted = word == _CODES
        found.append(word)
    return found

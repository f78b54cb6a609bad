"""The help of commands in the language that is spoken: English stands in their docstrings, others in ``locales``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from types import FunctionType
from typing import Any

from cyclopts import App, Group, Parameter
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

from droplab.align import width, wrap_within
from droplab.cli.words import words

_LONGEST = 1500
"""Columns of a help text on one line."""
HEAD = "droplab"
"""The key of the whole program's help."""


@cache
def helps(lang: str) -> Mapping[str, Mapping[str, str]]:
    """By command, ``export csv`` say: its help under an empty key, and that of its parameters."""
    file = files("droplab.cli").joinpath("locales", "help", f"{lang}.json")
    found: dict[str, dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))
    return found


def in_language(name: str, command: Callable[..., Any], lang: str) -> Callable[..., Any]:
    """A command whose docstring is of a language."""
    if lang == "en" or name not in helps(lang):
        return command
    assert isinstance(command, FunctionType)
    told = dict(helps(lang)[name])
    copied = FunctionType(
        command.__code__, command.__globals__, command.__name__, command.__defaults__, command.__closure__
    )
    copied.__kwdefaults__, copied.__annotations__ = command.__kwdefaults__, command.__annotations__
    copied.__doc__ = told.pop("") + "".join(
        ["\n\nArgs:", *(f"\n    {key}: {text}" for key, text in told.items())] if told else []
    )
    return copied


def program(version: str, about: str, lang: str) -> App:
    """The program, with no command yet."""
    app = App(
        name="droplab",
        help=about if lang == "en" else helps(lang)[HEAD][""],
        version=version,
        default_parameter=Parameter(show_default=_shown),
        group_commands=Group.create_default_commands(words("help.commands", lang)),
        group_parameters=Group.create_default_parameters(words("help.parameters", lang)),
        group_arguments=Group.create_default_arguments(words("help.arguments", lang)),
        help_formatter=None if lang == "en" else _formatter(lang),
    )
    app["--help"].help = words("help.help", lang)
    app["--version"].help = words("help.version", lang)
    return app


def group(name: str, about: str, commands: Mapping[str, Callable[..., Any]], lang: str) -> App:
    """Commands under one name: ``droplab data list``."""
    app = App(name=name, help=about if lang == "en" else helps(lang)[name][""])
    app["--help"].help = words("help.help", lang)
    for own, command in commands.items():
        app.command(in_language(f"{name} {own}", command, lang), name=own)
    return app


def _shown(default: Any) -> str | None:
    """A default in help; those that say nothing are not shown."""
    return None if default in (None, False, "", ()) else str(default)


class _Wrapped:
    """Text that breaks where its language does."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for paragraph in self._text.split("\n"):
            yield from map(Text, wrap_within(paragraph, options.max_width) or [""])

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(20, options.max_width), max(1, *map(width, self._text.split("\n"))))


def _formatter(lang: str) -> Any:
    """Cyclopts' own, with its words in a language."""
    from attrs import evolve
    from cyclopts.help import DefaultFormatter

    class _Formatter(DefaultFormatter):
        def render_usage(self, console: Any, options: Any, usage: Any) -> None:
            del options
            if usage:
                console.print(Text(words("help.usage", lang, usage=str(usage))))

        def render_description(self, console: Any, options: Any, description: Any) -> None:
            del options
            if description:
                console.print(_Wrapped(_plain(console, description)), "")

        def __call__(self, console: Any, options: Any, panel: Any) -> None:
            entries = [described(console, entry) for entry in panel.entries]
            super().__call__(console, options, panel.copy(entries=entries))

    def described(console: Any, entry: Any) -> Any:
        notes = (
            ("help.choices", ", ".join(entry.choices or ())),
            ("help.default", entry.default),
            ("help.required", entry.required),
        )
        said = [words(key, lang, value=value) for key, value in notes if value]
        text = " ".join([_plain(console, entry.description), *said])
        return evolve(entry, description=_Wrapped(text), required=False, default=None, choices=None)

    return _Formatter()


def _plain(console: Any, shown: Any) -> str:
    """The text of what cyclopts made of a docstring."""
    lines = console.render_lines(shown, console.options.update(width=_LONGEST), pad=False) if shown else []
    return "\n".join("".join(segment.text for segment in line).rstrip() for line in lines).strip()

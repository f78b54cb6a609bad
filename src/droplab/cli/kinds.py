"""``droplab kinds``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from droplab.variants.told import Told


def kinds(
    name: str | None = None,
    *,
    plain: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
    lang: str | None = None,
) -> None:
    """List the kinds of dropout that an arm can name, or say all about one and print an arm that runs.

    An arm may also name a layer of your own: kind = "pkg.module:Class".

    Args:
        name: A name from the list.
        plain: Lines with tabs between the values, for programs.
        json: The same as JSON, a list with an object for each kind.
        lang: Language, en or ja (default: $DROPLAB_LANG, then the system's).
    """
    from droplab.cli.tabling import Column, hand_rows, tell
    from droplab.cli.words import language
    from droplab.languages import read_texts
    from droplab.variants.table import TABLE
    from droplab.variants.told import told

    lang = language(lang)
    texts = read_texts("droplab", "report/locales", lang)  # without the room, and so without NumPy
    heads = {key.removeprefix("kinds."): text for key, text in texts.items() if key.startswith("kinds.")}
    every = [told(one, lang) for one in ([name] if name is not None else TABLE)]
    if plain or json:
        values = [{**one._asdict(), "arm": one.arm.spec if one.arm else ""} for one in every]
        hand_rows([Column(key, "") for key in values[0]], [[*one.values()] for one in values], json=json)
    elif name is None:
        columns = [
            Column("name", heads["name"]),
            Column("layer", "droplab.nn", spare=True),
            Column("does", heads["does"], prose=True),
        ]
        tell(columns, [[one.name, one.layer, one.does] for one in every])
    else:
        _tell_one(every[0], heads)


def _tell_one(one: Told, heads: Mapping[str, str]) -> None:
    from droplab.cli.tabling import Column, tell
    from droplab.cli.terminal import say
    from droplab.cli.words import words

    fields = ("name", "layer", "does", "when", "equation", "shares", "eval_law", "paper", "deviations")
    shown = [(field, getattr(one, field)) for field in fields]
    rows = [[heads[field], f"droplab.nn.{text}" if field == "layer" else text] for field, text in shown if text]
    tell([Column("", ""), Column("", "", prose=True)], rows)
    if one.arm is None:
        return
    say(f"\n{heads['arm']}\n\n{one.arm.spec.rstrip()}")  # apart from the table, to be copied
    if one.arm.file:
        say(f"\n{words('kinds.beside', file=one.arm.file)}\n\n{one.arm.code.rstrip()}")

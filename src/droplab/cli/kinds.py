"""``droplab kinds``."""

from __future__ import annotations


def kinds(name: str | None = None, *, lang: str = "en") -> None:
    """List the kinds of dropout that an arm can name, or say all about one.

    An arm may also name a layer of your own: kind = "pkg.module:Class".

    Args:
        name: A name from the list.
        lang: Language, en or ja.
    """
    from rich.table import Table
    from rich.text import Text

    from droplab.cli.terminal import say, show
    from droplab.report import check_language, texts
    from droplab.variants.language import said
    from droplab.variants.table import TABLE

    check_language(lang)
    heads = {key.removeprefix("kinds."): text for key, text in texts(lang).items() if key.startswith("kinds.")}
    if name is None:
        table = Table(heads["name"], "droplab.nn", heads["does"])
        for row in TABLE.values():
            table.add_row(Text(row.name), Text(row.layer), Text(said(row.name, lang)["does"], overflow="fold"))
        show(table)
        return
    from droplab.variants.told import told

    one = told(name, lang)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    shown = ("name", "layer", "does", "when", "equation", "shares", "eval_law", "paper", "deviations")
    for field in shown:
        value = getattr(one, field)
        if not value:
            continue
        table.add_row(Text(heads[field]), Text(f"droplab.nn.{value}" if field == "layer" else value, overflow="fold"))
    show(table)
    if one.arm is not None:  # apart from the table, to be copied
        say(f"\n{heads['arm']}\n\n{one.arm.spec.rstrip()}")
        if one.arm.file:
            say(f"\n{one.arm.code.rstrip()}")

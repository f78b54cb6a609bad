"""``droplab variants``."""

from __future__ import annotations


def variants(name: str | None = None, *, lang: str = "en") -> None:
    """List the kinds of dropout that an arm can name, or say all about one.

    Args:
        name: A name from the list.
        lang: Language, en or ja.
    """
    from rich.table import Table
    from rich.text import Text

    from droplab.cli.terminal import show
    from droplab.report import check_language, texts
    from droplab.variants.catalog import CATALOG
    from droplab.variants.told import words

    check_language(lang)
    said = {key.removeprefix("variants."): text for key, text in texts(lang).items() if key.startswith("variants.")}
    if name is None:
        table = Table(said["name"], "droplab.nn", said["does"])
        for known in CATALOG:
            told = words(known, lang)
            table.add_row(Text(known), Text(told.layer), Text(told.does, overflow="fold"))
        show(table)
        return
    told = words(name, lang)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    shown = ("name", "layer", "does", "when", "equation", "shares", "eval_law", "paper", "deviations")
    for field in shown:
        value = getattr(told, field)
        table.add_row(Text(said[field]), Text(f"droplab.nn.{value}" if field == "layer" else value, overflow="fold"))
    row = CATALOG[name]
    if row.in_arms:
        table.add_row(Text(said["arm"]), Text(_arm(name, bool(row.adopts))))
    show(table)


def _arm(name: str, weights: bool) -> str:
    site = "fc1" if weights else "fc1:in"
    return f'[[arms]]\nname = "{name}"\nlayer = "{name}"\np = {{ "{site}" = 0.25 }}'

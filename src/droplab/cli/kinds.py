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

    from droplab.cli.terminal import show
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
    said(name, lang)  # a name that is none is said before torch is loaded
    from droplab.variants.told import told

    one = told(name, lang)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    shown = ("name", "layer", "does", "when", "equation", "shares", "eval_law", "paper", "deviations")
    for field in shown:
        value = getattr(one, field)
        table.add_row(Text(heads[field]), Text(f"droplab.nn.{value}" if field == "layer" else value, overflow="fold"))
    if TABLE[name].in_arms:
        table.add_row(Text(heads["arm"]), Text(_arm(name, bool(TABLE[name].adopts))))
    show(table)


def _arm(name: str, weights: bool) -> str:
    site = "fc1" if weights else "fc1:in"
    return f'[[arms]]\nname = "{name}"\nkind = "{name}"\np = {{ "{site}" = 0.25 }}'

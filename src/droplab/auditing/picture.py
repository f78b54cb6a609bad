"""An audit as a picture: the model's modules with what executes in each, its rate, share and level. SVG, no script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from droplab.auditing.executed import Executed, Report
from droplab.auditing.places import short
from droplab.auditing.text import columns, head
from droplab.auditing.tree import Node, tree
from droplab.auditing.words import words
from droplab.errors import clip, plain

_ROW, _STEP, _EDGE, _SIGN = 22, 20, 16, 8.0
"""Pixels of a row, of a step inwards, of the edge, and of a column of text at most."""
_MOST = 110
"""Columns of a row's text."""
_STYLE = """
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1f2328; }
.ground { fill: #ffffff; } .guide { stroke: #c8ccd1; } .kind { fill: #667; } .code { fill: #b3261e; font-weight: 600; }
.name { font-weight: 600; } .keyed { fill: #1a7f5a; } .seeded { fill: #b77400; } .seen { fill: #767b83; }
.unreached { fill: #b3261e; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6e8eb; } .ground { fill: #16191d; } .guide { stroke: #3d444d; } .kind { fill: #9aa3ad; }
  .code, .unreached { fill: #ff8a80; } .keyed { fill: #4cc38a; } .seeded { fill: #f0b429; } .seen { fill: #9aa3ad; }
}
"""


class _Row(NamedTuple):
    depth: int
    parts: tuple[tuple[str, str], ...]
    """Texts, each with its class."""
    dot: str = ""
    """A level, where it is something that executes."""


def as_svg(audit: Report, lang: str) -> str:
    """The picture; modules that are alike are drawn once, and those without dropout in one line."""
    say = words(lang)
    rows = list(_rows(tree(audit.modules, audit.executed, audit.findings), audit, say, 0))
    title = head(audit, say)
    levels = [(level, say["level"][level]) for level in ("keyed", "seeded", "seen", "unreached")]
    widths = [row.depth * _STEP + 20 + _SIGN * sum(columns(text) for text, _ in row.parts) for row in rows]
    wide = round(max(*widths, _SIGN * columns(title), _SIGN * sum(columns(text) + 6 for _, text in levels)) + 2 * _EDGE)
    high = (len(rows) + 3) * _ROW + 2 * _EDGE
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}">',
        f"<title>{_safe(title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="ground" width="{wide}" height="{high}"/>',
        f'<text x="{_EDGE}" y="{_EDGE + 12}">{_safe(title)}</text>',
    ]
    x: float = _EDGE
    for level, text in levels:
        y = _EDGE + _ROW
        lines += [f'<circle class="{level}" cx="{x + 5:g}" cy="{y + 8}" r="5"/>',
                  f'<text x="{x + 16:g}" y="{y + 12}">{_safe(text)}</text>']  # fmt: skip
        x = round(x + 16 + _SIGN * (columns(text) + 3), 1)
    for number, row in enumerate(rows):
        lines += _drawn(row, _EDGE + (number + 3) * _ROW - _ROW // 2)
    return "\n".join([*lines, "</svg>", ""])


def _drawn(row: _Row, y: int) -> Iterator[str]:
    for depth in range(row.depth):
        x = _EDGE + depth * _STEP + 5
        yield f'<line class="guide" x1="{x}" y1="{y - 5}" x2="{x}" y2="{y + _ROW - 5}"/>'
    x = _EDGE + row.depth * _STEP
    if row.dot:
        yield f'<circle class="{row.dot}" cx="{x + 5}" cy="{y + 8}" r="5"/>'
        x += 16
    spans = "".join(f'<tspan class="{kind}">{_safe(text)}</tspan>' for text, kind in row.parts)
    yield f'<text x="{x}" y="{y + 12}" xml:space="preserve">{spans}</text>'


def _rows(node: Node, audit: Report, say: dict[str, Any], depth: int) -> Iterator[_Row]:
    names = node.names if len(node.names) < 4 else [node.names[0], "…", node.names[-1]]
    title = ", ".join(names) if depth else audit.model
    if len(node.names) > 1:
        title += f" (×{len(node.names)})"
    kind = f"  {clip(node.kind, _MOST)}" if depth else ""
    codes = tuple((f"  {code}", "code") for code in node.codes)
    yield _Row(depth, ((clip(title, _MOST), "kind" if depth and node.bare else "name"), (kind, "kind"), *codes))
    for site in node.sites:
        yield _Row(depth + 1, ((clip(_of_site(site, say), _MOST), "site"),), site[0].level)
    if not node.bare:
        for child in node.children:
            yield from _rows(child, audit, say, depth + 1)


def _of_site(site: list[Executed], say: dict[str, Any]) -> str:
    first, drawn = site[0], sum(one.drawn for one in site)
    parts = [first.function, "p ?" if first.p is None else f"p {first.p:.4g}"]
    if drawn:
        parts.append(f"{say['columns'][3]} {sum((one.share or 0) * one.drawn for one in site) / drawn:.1%}")
    parts += ["×".join(map(str, first.shape)), short(first.place)]
    if first.in_eval:
        parts.append(say["eval"] if first.in_train else say["only_eval"])
    elif not first.in_train:
        parts.append(say["off"])
    return ", ".join(part for part in parts if part)


def _safe(text: str) -> str:
    return escape(plain(text), {'"': "&quot;"})

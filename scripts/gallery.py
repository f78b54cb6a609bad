"""Write the gallery of variants, docs/gallery.md and docs/gallery.ja.md, and its pictures, from the catalog.

python scripts/gallery.py           # write
python scripts/gallery.py --check   # exit 1 where what is there differs
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import mask_pictures
from writer import ROOT, write

from droplab.testing.laws import ORACLES
from droplab.variants.catalog import CATALOG
from droplab.variants.told import words

DOCS = ROOT / "docs"
PAGES = {"en": DOCS / "gallery.md", "ja": DOCS / "gallery.ja.md"}
TEXTS = json.loads((Path(__file__).parent / "gallery.json").read_text(encoding="utf-8"))


def entry(name: str, lang: str) -> str:
    """The section of one variant."""
    told, said, oracle = words(name, lang), TEXTS[lang], ORACLES[name]
    lines = [f"## {name}", "", f"`droplab.nn.{told.layer}`: {told.does} {told.when}", ""]
    if mask_pictures.drawable(oracle):
        lines += [f"![{said['picture']}: {name}](gallery/{name}.svg)", ""]
    lines += [
        f"- {said['equation']}: `{told.equation}`",
        f"- {said['shares']}: {told.shares}",
        f"- {said['eval_law']}: {told.eval_law}",
        f"- {said['paper']}: {told.paper}",
    ]
    if told.deviations:
        lines.append(f"- {said['deviations']}: {told.deviations}")
    if told.has_parameters:
        lines.append(f"- {said['has_parameters']}")
    lines += ["", "```python", *mask_pictures.example(oracle), "```", ""]
    return "\n".join(lines)


def page(lang: str) -> str:
    """The whole page."""
    said = TEXTS[lang]
    links = [f"| [{name}](#{name}) | {words(name, lang).does} |" for name in CATALOG]
    table = "\n".join([f"| {said['name']} | {said['does']} |", "|---|---|", *links])
    return "\n".join(
        [f"# {said['title']}", "", *said["intro"], "", table, "", *(entry(name, lang) for name in CATALOG)]
    )


def files() -> dict[Path, str]:
    """Everything that the catalog decides."""
    pictures = {
        DOCS / "gallery" / f"{name}.svg": mask_pictures.picture(oracle)
        for name, oracle in ORACLES.items()
        if mask_pictures.drawable(oracle)
    }
    return {**{place: page(lang) for lang, place in PAGES.items()}, **pictures}


if __name__ == "__main__":
    sys.exit(write(__doc__, files(), (DOCS / "gallery").glob("*.svg")))

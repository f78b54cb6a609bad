"""Write the gallery of kinds, docs/gallery.md and docs/gallery.ja.md, and its pictures, from the catalog.

python scripts/gallery.py           # write
python scripts/gallery.py --check   # exit 1 where what is there differs
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import mask_pictures
from writer import ROOT, write

from droplab.languages import in_a_row
from droplab.testing.laws import ORACLES
from droplab.variants.catalog import CATALOG
from droplab.variants.told import told

DOCS = ROOT / "docs"
PAGES = {"en": DOCS / "gallery.md", "ja": DOCS / "gallery.ja.md"}
WORDS = ROOT / "src" / "droplab" / "variants" / "texts"
TEXTS = json.loads((Path(__file__).parent / "gallery.json").read_text(encoding="utf-8"))


def entry(name: str, lang: str) -> str:
    """The section of one kind."""
    row, said, oracle = told(name, lang), TEXTS[lang], ORACLES[name]
    colon = said["colon"]
    lines = [f"## {name}", "", f"`droplab.nn.{row.layer}`{colon}{in_a_row([row.does, row.when])}", ""]
    if mask_pictures.drawable(oracle):
        lines += [f"![{said['picture']}{colon}{name}](gallery/{name}.svg)", ""]
    lines += [
        f"- {said['equation']}{colon}`{row.equation}`",
        f"- {said['shares']}{colon}{row.shares}",
        f"- {said['eval_law']}{colon}{row.eval_law}",
        f"- {said['paper']}{colon}{row.paper}",
    ]
    if row.deviations:
        lines.append(f"- {said['deviations']}{colon}{row.deviations}")
    if row.has_parameters:
        lines.append(f"- {said['has_parameters']}")
    lines += ["", "```python", *mask_pictures.example(oracle), "```", ""]
    return "\n".join(lines)


def page(lang: str) -> str:
    """The whole page."""
    said = TEXTS[lang]
    links = [f"| [{name}](#{name}) | {told(name, lang).does} |" for name in CATALOG]
    table = "\n".join([f"| {said['name']} | {said['does']} |", "|---|---|", *links])
    return "\n".join(
        [f"# {said['title']}", "", *said["intro"], "", table, "", *(entry(name, lang) for name in CATALOG)]
    )


def missing() -> list[str]:
    """What a kind's own file cannot say, and nobody has said yet."""
    texts = {lang: json.loads((WORDS / f"{lang}.json").read_text(encoding="utf-8")) for lang in PAGES}
    absent = [f"{name}: its texts in {lang}.json" for lang in PAGES for name in CATALOG if name not in texts[lang]]
    return absent + [f"{name}: its Oracle in a file of droplab/testing/laws" for name in CATALOG if name not in ORACLES]


def files() -> dict[Path, str]:
    """Everything that the catalog decides."""
    if lines := missing():
        raise SystemExit("\n".join(["still to be written:", *lines]))
    pictures = {
        DOCS / "gallery" / f"{name}.svg": mask_pictures.picture(oracle)
        for name, oracle in ORACLES.items()
        if mask_pictures.drawable(oracle)
    }
    return {**{place: page(lang) for lang, place in PAGES.items()}, **pictures}


if __name__ == "__main__":
    sys.exit(write(__doc__, files(), (DOCS / "gallery").glob("*.svg")))

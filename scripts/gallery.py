"""Write the gallery of variants, docs/gallery.md and docs/gallery.ja.md, and its pictures, from the catalog.

python scripts/gallery.py           # write
python scripts/gallery.py --check   # exit 1 where what is there differs
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import mask_pictures

from droplab.testing.laws import ORACLES
from droplab.variants.catalog import CATALOG
from droplab.variants.told import words

ROOT = Path(__file__).resolve().parent.parent
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


def main() -> int:
    """Write, or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    wanted = files()
    there = {*(DOCS / "gallery").glob("*.svg"), *PAGES.values()}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    stale += sorted(there - wanted.keys())
    if check:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not what the catalog says; run python scripts/gallery.py")
        return 1 if stale else 0
    for path in there - wanted.keys():
        path.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

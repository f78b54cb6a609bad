"""Write docs/transforms.md and docs/transforms.ja.md, which say what each kind refuses, from the catalog's rows.

python scripts/transforms.py           # write
python scripts/transforms.py --check   # exit 1 where what is there differs

The rows are held to what they say by ``droplab.testing.LayerContract``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from droplab.testing.laws import ORACLES
from droplab.testing.transforms import TRANSFORMS, asked

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = {"en": DOCS / "transforms.md", "ja": DOCS / "transforms.ja.md"}
TEXTS = json.loads((Path(__file__).parent / "transforms.json").read_text(encoding="utf-8"))


def table(lang: str) -> list[str]:
    """Kinds by transforms: works, refused, or nothing to look at."""
    said = TEXTS[lang]
    lines = [f"| {said['kind']} | {' | '.join(TRANSFORMS)} |", "|---|" + "---|" * len(TRANSFORMS)]
    for name, oracle in ORACLES.items():
        cells = [
            "–" if not asked(oracle, transform) else said["refused" if transform in oracle.refusals else "works"]
            for transform in TRANSFORMS
        ]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return lines


def page(lang: str) -> str:
    """The whole page."""
    said = TEXTS[lang]
    checks = [f"- **{transform}**: {said['checks'][transform]}" for transform in TRANSFORMS]
    refusals = [
        f"- `{name}`, {', '.join(oracle.refusals)}: {said['refusals'][name]}"
        for name, oracle in ORACLES.items()
        if oracle.refusals
    ]
    return "\n".join(
        [f"# {said['title']}", "", *said["intro"], "", *checks, "", *table(lang), "", *refusals, "", *said["more"], ""]
    )


def main() -> int:
    """Write, or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = []
    for lang, place in PAGES.items():
        if place.exists() and place.read_text(encoding="utf-8") == page(lang):
            continue
        stale.append(place)
        if not check:
            place.write_text(page(lang), encoding="utf-8")
    if check:
        for place in stale:
            print(f"{place.relative_to(ROOT)} is not what the catalog says; run python scripts/transforms.py")
        return 1 if stale else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())

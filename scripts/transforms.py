"""Write docs/transforms.md and docs/transforms.ja.md, which say what each kind refuses, from the catalog's rows.

python scripts/transforms.py           # write
python scripts/transforms.py --check   # exit 1 where what is there differs

The rows are held to what they say by ``droplab.testing.LayerContract``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from writer import ROOT, write

from droplab.testing.laws import ORACLES
from droplab.testing.transforms import TRANSFORMS, asked

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
    checks = [f"- **{transform}**{said['colon']}{said['checks'][transform]}" for transform in TRANSFORMS]
    refusals = [
        f"- `{name}`, {', '.join(oracle.refusals)}{said['colon']}{said['refusals'][name]}"
        for name, oracle in ORACLES.items()
        if oracle.refusals
    ]
    return "\n".join(
        [f"# {said['title']}", "", *said["intro"], "", *checks, "", *table(lang), "", *refusals, "", *said["more"], ""]
    )


if __name__ == "__main__":
    sys.exit(write(__doc__, {place: page(lang) for lang, place in PAGES.items()}))

"""Pages of recorded results: where they are, the texts they are made of, and their verdicts."""

from __future__ import annotations

from pathlib import Path

from droplab.analysis import Verdict
from droplab.records import ExperimentRecord
from droplab.report import render

HERE = Path(__file__).resolve().parent.parent / "docs" / "results"
HEADS = {"en": "## Verdict\n", "ja": "## 判定\n"}


def place(name: str, lang: str = "en") -> Path:
    """Where a page is."""
    return HERE / (f"{name}.md" if lang == "en" else f"{name}.{lang}.md")


def told(part: str, lang: str, **values: object) -> str:
    """A text of ``scripts/pages`` with its values."""
    text = (Path(__file__).parent / "pages" / f"{part}.{lang}.md").read_text(encoding="utf-8")
    return text.format(**values)


def block(verdict: Verdict, record: ExperimentRecord, lang: str) -> str:
    """The verdict as pages show it."""
    return f"```text\n{render(verdict, record, lang)}\n```"


def reworded(name: str, verdict: Verdict, record: ExperimentRecord) -> dict[Path, str]:
    """The pages of both languages with this verdict in the place of theirs."""
    found = {}
    for lang, head in HEADS.items():
        before, after = place(name, lang).read_text(encoding="utf-8").split(head, 1)
        tail = after.split("```", 2)[2]
        found[place(name, lang)] = f"{before}{head}\n{block(verdict, record, lang)}{tail}"
    return found

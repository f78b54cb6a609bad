"""Draw the documents' figures again from the recorded results, after the renderer or the rules have changed.

python scripts/draw_figures.py
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import reword_results

from droplab.analysis import judge
from droplab.languages import LANGUAGES
from droplab.records import ChangedImages, ExperimentRecord
from droplab.report import PageSource
from droplab.report.figures import draw
from droplab.report.figures.sheet import Sheet
from droplab.report.payload import drawn_data

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
SHOWN = (("doses", "dropout 0.5"), ("when", "dropout 0.5"))
"""Figures of the recorded rates, each with the arm that it shows."""


def rates() -> ExperimentRecord:
    """The recorded rates, with their arms as the experiment had them."""
    record = reword_results.read("rates")
    arms = [
        {"name": arm, "p": 0.0 if arm == record.baseline else float(arm.removeprefix("dropout "))}
        for arm in record.arms
    ]
    return replace(record, spec={**record.spec, "arms": arms})


def drawn() -> dict[Path, str]:
    """Every figure by its file."""
    record = rates()
    data = drawn_data(PageSource(record, judge(record), "", 1, [], {}, {}, ChangedImages({}, "")))
    return {
        IMAGES / f"figure-{name}{'' if lang == 'en' else f'.{lang}'}.svg": draw(Sheet(data, lang, arm), name).svg
        for name, arm in SHOWN
        for lang in LANGUAGES
    }


if __name__ == "__main__":
    for path, text in drawn().items():
        path.write_text(text, encoding="utf-8")

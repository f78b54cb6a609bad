"""How fast the page answers: 60 runs × 5,000 points, every control, in headless Chromium.

python benchmarks/page.py

For each control, in milliseconds, median and worst of 5: from the reader's event until the first chart answers
(the page is free again for the next event), and until everything on screen is drawn; and what the file weighs
beside its data. The aims are 100 ms and 300 KB.
"""

from __future__ import annotations

import csv
import re
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.report.conftest import ARGUMENTS, CHROMIUM  # noqa: E402
from tests.report.pages import source  # noqa: E402

from droplab.report import build_page  # noqa: E402

SET = """([id, value]) => { const box = document.getElementById(id); const began = performance.now();
    if (box.type === 'checkbox') box.checked = value; else box.value = value;
    box.dispatchEvent(new Event(box.type === 'checkbox' || box.tagName === 'SELECT' ? 'change' : 'input'));
    return new Promise(done => requestAnimationFrame(() => {
        const first = performance.now() - began;
        const wait = () => document.getElementById('curves').ariaBusy === 'true' ? setTimeout(wait)
            : requestAnimationFrame(() => setTimeout(() => done([first, performance.now() - began])));
        wait(); })); }"""
CONTROLS = {
    "smoothing": ["0.5", "0.9", "0.2", "0.99", "0"],
    "axis": ["step", "time", "epoch", "time", "epoch"],
    "group": ["seed", "arm.name", "arm.p", "seed", "arm.name"],
    "log": [True, False, True, False, True],
    "bands": [False, True, False, True, False],
    "seeds": [False, True, False, True, False],
    "filter": ["seed=1", "a", "", "seed=2", ""],
}


def main() -> None:
    """Measure, print and write benchmarks/results/page.csv."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        path = Path(folder) / "large.html"
        text = build_page(source(("a", "b", "c"), seeds=20, epochs=5000))
        path.write_text(text, encoding="utf-8")
        data = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
        beside = len(text.encode()) - len(data[1].encode() if data else b"")
        page = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS).new_page(
            viewport={"width": 1280, "height": 900}
        )
        page.goto(path.as_uri())
        page.locator("[data-metric=val_loss]").scroll_into_view_if_needed()
        page.evaluate("document.getElementById('curves').scrollIntoView()")
        page.wait_for_selector("[data-metric=gap] canvas")
        drawn = page.locator(".panel canvas").count()
        rows = []
        for control, values in CONTROLS.items():
            times = []
            for value in values:
                times.append(page.evaluate(SET, [control, value]))
                page.wait_for_timeout(300)
            first, every = zip(*times, strict=True)
            figures = [f(part) for part in (first, every) for f in (statistics.median, max)]
            rows.append((control, *(round(figure, 1) for figure in figures)))
            print(f"{control:10} first chart {figures[0]:6.1f} (worst {figures[1]:6.1f}) ms   all {figures[2]:6.1f} ms")
        print(f"{drawn} charts on screen; {beside:,} bytes beside the data")
    target = ROOT / "benchmarks" / "results" / "page.csv"
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            [
                "control",
                "first_median_ms",
                "first_worst_ms",
                "all_median_ms",
                "all_worst_ms",
                "charts_on_screen",
                "bytes_beside_data",
            ]
        )
        writer.writerows([*row, drawn, beside] for row in rows)


if __name__ == "__main__":
    main()

"""How fast the page answers, every control, in headless Chromium: 60 runs × 5,000 points, and 40 arms × 12 seeds × 200.

python benchmarks/page.py

For each control, in milliseconds, median and worst of 5: from the reader's event until the first chart answers
(the page is free again for the next event), and until everything on screen is drawn; the time to the first picture of
the page with many arms; and what the file weighs beside its data. The aims are 100 ms, 2 s and 300 KB.
"""

from __future__ import annotations

import csv
import re
import statistics
import sys
import tempfile
from dataclasses import replace
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
        const busy = () => [...document.querySelectorAll('#curves, #page')].some(one => one.ariaBusy === 'true');
        const wait = () => busy() ? setTimeout(wait)
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


ARMS = {"stop": ["20", "50", "199", "100", "0"], "arm": ["arm 3", "arm 30", "arm 12", "arm 39", "arm 1"]}
"""Controls of the sections before the curves."""


def main() -> None:
    """Measure, print and write benchmarks/results/page.csv."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        long = build_page(source(("a", "b", "c"), seeds=20, epochs=5000))
        data = re.search(r'id="data">(.*?)</script>', long, re.DOTALL)
        beside = len(long.encode()) - len(data[1].encode() if data else b"")
        wide = many()
        rows = []
        for name, text, controls in (("60 x 5000", long, CONTROLS), ("480 x 200", wide, {**ARMS, **CONTROLS})):
            path = Path(folder) / "page.html"
            path.write_text(text, encoding="utf-8")
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(path.as_uri())
            page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length > 0")
            first = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
            height = page.evaluate("document.getElementById('effects').getBoundingClientRect().height")
            print(f"{name}: first picture after {first:.0f} ms; which or how much: {height:.0f} px")
            rows.append((name, "first picture", *[round(first, 1)] * 4, 0, beside))
            page.locator("[data-metric=val_loss]").scroll_into_view_if_needed()
            page.wait_for_selector("[data-metric=val_loss] canvas")
            for control, values in controls.items():
                page.evaluate("id => document.getElementById(id).closest('section').scrollIntoView()", control)
                page.wait_for_timeout(300)
                drawn = page.locator(".panel canvas").count()
                times = []
                for value in values:
                    times.append(page.evaluate(SET, [control, value]))
                    page.wait_for_timeout(300)
                firsts, every = zip(*times, strict=True)
                figures = [f(part) for part in (firsts, every) for f in (statistics.median, max)]
                rows.append((name, control, *(round(figure, 1) for figure in figures), drawn, beside))
                print(f"{control:10} first {figures[0]:6.1f} (worst {figures[1]:6.1f}) ms   all {figures[2]:6.1f} ms")
            page.close()
        print(f"{beside:,} bytes beside the data")
    target = ROOT / "benchmarks" / "results" / "page.csv"
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        heads = ["runs", "control", "first_median_ms", "first_worst_ms", "all_median_ms", "all_worst_ms"]
        writer.writerow([*heads, "charts_drawn", "bytes_beside_data"])
        writer.writerows(rows)


def many() -> str:
    """40 arms of several kinds × 12 seeds × 200 epochs."""
    given = source(tuple(f"arm {number}" for number in range(40)), seeds=12, epochs=200)
    arms = [{"name": name, "p": 0.5, "kind": f"kind {place}"} for place, name in enumerate(given.record.arms)]
    return build_page(given._replace(record=replace(given.record, spec={**given.record.spec, "arms": arms})))


if __name__ == "__main__":
    main()

"""Take the pictures of the page that the READMEs begin with, docs/images/page.png and page.ja.png.

make demo ARGS="--out DIR" && python scripts/page_pictures.py DIR

To be done anew when the first screen of the page changes. It wants Chromium and playwright, as the tests do.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from droplab.languages import LANGUAGES

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.report.conftest import ARGUMENTS, CHROMIUM  # noqa: E402

WIDTH, HEIGHT = 1280, 720


def main() -> None:
    """Open the page in each language, and write what its first screen shows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of an experiment, with its report.html")
    page_file = parser.parse_args().folder.resolve() / "report.html"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for lang in LANGUAGES:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
            page.goto(f"{page_file.as_uri()}#lang={lang}")
            page.wait_for_selector("#answer svg")
            path = ROOT / "docs" / "images" / f"page{'' if lang == 'en' else f'.{lang}'}.png"
            page.screenshot(path=path)
            print(f"wrote {path}")
        browser.close()


if __name__ == "__main__":
    main()

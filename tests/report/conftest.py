"""Headless Chromium for the tests of the page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
ARGUMENTS += ["--disable-component-update", "--disable-sync", "--lang=en"]


@pytest.fixture(scope="module")
def browser() -> Iterator:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def show(browser):
    """Open a page; at the end no error and no request may have been seen."""
    troubles, contexts = [], []

    def opened(path: Path, **options):
        context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: troubles.append(message.text) if message.type in {"error", "warning"} else 0)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: None if allowed(request.url, path) else troubles.append(request.url))
        page.set_default_timeout(10_000)
        page.goto(path.as_uri())
        page.locator(".panel").first.scroll_into_view_if_needed()
        page.wait_for_selector(".panel canvas")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []


def settled(page) -> None:
    """Wait until a choice has reached the whole page."""
    page.wait_for_function("() => document.getElementById('page').getAttribute('aria-busy') !== 'true'")


def allowed(url: str, path: Path) -> bool:
    return url.split("#", maxsplit=1)[0] == path.as_uri() or url.startswith(("data:", "blob:"))


@pytest.fixture(scope="module")
def report(finished) -> Path:
    return finished.write_page()

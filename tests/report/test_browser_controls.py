"""Every control of the page does what can be seen, at three widths, in both languages, light and dark."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from droplab.report import build_page
from tests.report.conftest import settled
from tests.report.pages import source
from tests.report.test_browser_answer import made

WIDTHS = {1440: 900, 1280: 720, 390: 844}
LANGUAGES, SCHEMES = ("en", "ja"), ("light", "dark")
ALL = [*product(WIDTHS, LANGUAGES, SCHEMES)]
QUICK = [(1440, "en", "light"), (1280, "ja", "dark"), (390, "ja", "light")]

CONTROLS = "button, select, input, textarea, summary, nav a, .plot"
NEXT = """([selector, used]) => {
    const whole = [...document.querySelectorAll('[data-lang], #theme')];
    const found = [...document.querySelectorAll(selector)].filter(one => !whole.includes(one));
    const met = {}, metrics = [];
    for (const one of [...found, ...whole]) {  // those that change everything come last
        const section = one.closest('section, header')?.id || one.closest('section, header')?.tagName || '';
        const names = ['id', 'name', 'type', 'value', 'href', 'class'].map(name => one.getAttribute(name));
        const {inHand, ...data} = one.dataset, row = one.closest('tr, [data-metric], li')?.dataset ?? {};
        const alike = JSON.stringify([section, one.tagName, ...names, data, {...row}]);
        const key = `${alike} ${met[alike] = (met[alike] ?? 0) + 1}`;
        if (one.name === 'metric' && metrics.push(one) > 3) continue;  // they are all alike
        if (used.includes(key) || one.disabled) continue;
        if (!one.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
        document.querySelector('[data-in-hand]')?.removeAttribute('data-in-hand');
        one.setAttribute('data-in-hand', '');
        return key;
    }
    return null; }"""
SEEN = """() => {
    const hash = text => {
        let sum = 0;
        for (let at = 0; at < text.length; at++) sum = (sum * 31 + text.charCodeAt(at)) | 0;
        return sum;
    };
    const root = document.documentElement, style = getComputedStyle(document.body);
    const drawn = [...document.querySelectorAll('canvas')].filter(one => one.width * one.height > 0)
        .map(one => hash(one.toDataURL()));
    const text = document.body.innerHTML  // "Copied" becomes "Copy" again by itself
        .replace(/<button[^>]*class="copy"(?![^>]*in-hand)[^>]*>[^<]*<[/]button>/g, '')
        .replaceAll(' data-in-hand=""', '');
    const shown = [...document.querySelectorAll('details, dialog, [popover]')].map(one => one.open);
    return JSON.stringify([hash(text), drawn, shown, root.lang, style.backgroundColor, Math.round(scrollY)]); }"""


@pytest.fixture(scope="module")
def pages(report, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("controls")
    made_up = {"folds": made(), "doses": source(("none", "low", "middle", "high"), seeds=3, epochs=8)}
    for name, given in made_up.items():
        (folder / f"{name}.html").write_text(build_page(given), encoding="utf-8")
    return {"recorded": report, **{name: folder / f"{name}.html" for name in made_up}}


def use(page, control) -> bool:
    """Do what one does with such a control; whether that gives a file, and leaves the page as it is."""
    tag, kind = control.evaluate("one => [one.tagName, one.type ?? '']")
    if control.get_attribute("data-download") or control.get_attribute("id") == "csv":
        with page.expect_download() as download:
            control.click()
        assert Path(download.value.path()).stat().st_size > 100
        return True
    if tag == "SELECT":
        options = control.locator("option:not([disabled])").count()
        control.select_option(index=(control.evaluate("one => one.selectedIndex") + 1) % options)
    elif kind == "range":
        low, high, now = control.evaluate("one => [one.min, one.max, one.value]")
        control.fill(low if now != low else high)
    elif kind in {"text", "search"}:
        control.fill("zzz")
    elif tag in {"BUTTON", "A", "SUMMARY", "INPUT"}:
        control.click()
    else:  # a plot: the keyboard moves through its epochs
        control.locator("canvas").wait_for()
        control.focus()
        page.keyboard.press("ArrowLeft")
    return False


def undo(page, control) -> None:
    """What is switched is switched back, so that one control does not hide what another does."""
    hidden = page.locator(".groups button[aria-pressed=false]:not(.rest)")
    if hidden.count():
        hidden.first.click()
    if not control.count():
        return
    tag, kind = control.evaluate("one => [one.tagName, one.type ?? '']")
    if kind in {"text", "search"}:
        control.fill("")
    elif tag == "SELECT":
        options = control.locator("option:not([disabled])").count()
        control.select_option(index=(control.evaluate("one => one.selectedIndex") - 1) % options)
    elif kind == "checkbox":
        control.click()


def works(page, control, patience: int) -> bool:
    """Whether the page is another one, so many milliseconds at most after the control was used."""
    from playwright.sync_api import TimeoutError as TooLateError

    if control.get_attribute("href"):  # from where it does not lead
        page.evaluate("scrollTo(0, document.getElementById('curves').offsetTop - 300)")
    control.evaluate("one => scrollBy(0, one.getBoundingClientRect().top - 150)")  # what it changes stands below it
    before = page.evaluate(SEEN)
    if use(page, control):
        return True
    try:
        page.wait_for_function(f"before => ({SEEN})() !== before", arg=before, timeout=patience)
    except TooLateError:
        return False
    finally:
        undo(page, control)
        settled(page)
    return True


def dead(page, width: int) -> list[str]:
    """Use every control once; those after which the page is what it was."""
    used, without = [], []
    while (key := page.evaluate(NEXT, [CONTROLS, used])) is not None:
        used.append(key)
        control = page.locator("[data-in-hand]")
        # what is chosen already; outliers, of which there are none
        chosen = control.get_attribute("aria-pressed") == "true" or control.get_attribute("id") == "outliers"
        if not works(page, control, 200 if chosen else 2_000) and not chosen:
            without.append(key)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, key
    assert len(used) > 30, used
    return without


def cases():
    """In every suite each page, width, language and scheme once or more; all of them together are a proof."""
    quick = {"recorded": QUICK[:1], "folds": QUICK[1:2], "doses": QUICK[2:]}
    return [
        pytest.param(name, *one, marks=() if one in quick[name] else pytest.mark.prove)
        for name, one in product(quick, ALL)
    ]


@pytest.mark.parametrize(("name", "width", "lang", "scheme"), cases())
def test_no_control_is_dead(name, width, lang, scheme, show, pages):
    page = show(pages[name], color_scheme=scheme, locale=lang)
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    page.click(f"[data-lang={lang}]")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    without = dead(page, width)
    assert not without, "\n".join(without)

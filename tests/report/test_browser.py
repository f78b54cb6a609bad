"""The page in headless Chromium: every control is used, and nothing leaves the page."""

from __future__ import annotations

import dataclasses
import re
import struct
from pathlib import Path

from droplab.records import Notice
from droplab.report import build_page
from tests.report.pages import HOSTILE, source
from tests.report.test_measures import page_of, write


def picture(page, metric: str) -> str:
    return page.evaluate(f"document.querySelector('[data-metric=\"{metric}\"] canvas').toDataURL()")


def test_both_languages_and_widths(show, report):
    for width in (1280, 390):
        page = show(report)
        page.set_viewport_size({"width": width, "height": 844})
        for code, word in (("en", "Most changed validation images"), ("ja", "最も変わった検証画像")):
            page.click(f"[data-lang={code}]")
            assert page.get_attribute("html", "lang") == code
            assert page.is_visible(f"text={word}")
            assert not page.query_selector_all("text=/page\\.|undefined|NaN|\\[object/")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{code} scrolls sideways at {width}: {wide}"


def test_the_page_of_a_guests_measures(show, tmp_path):
    drawn = {"regression": ["val_rmse", "val_r2", "gap", "fit_r2", "train_rmse"], "ranking": ["f1", "perplexity"]}
    for case, best in (("regression", "5999.9960"), ("ranking", "49.60")):
        path = tmp_path / f"{case}.html"
        path.write_text(build_page(page_of(write(tmp_path / case, case))), encoding="utf-8")
        page = show(path)
        for code in ("en", "ja"):
            page.click(f"[data-lang={code}]")
            assert not re.search(r"undefined|NaN|accuracy|精度|損失|table\.|metric\.", page.inner_text("body"))
        page.click("[data-lang=en]")
        page.click("[data-sort=best]")
        rows = page.locator("#runs tbody tr")
        assert best in rows.first.inner_text()
        first = rows.first.inner_text()
        page.click("[data-sort=best]")
        assert rows.first.inner_text() != first
        seen = page.evaluate("[...document.querySelectorAll('.panel')].map(panel => panel.dataset.metric)")
        assert seen == drawn[case]


def test_every_control_changes_the_curves(show, report):
    page = show(report)
    page.locator("#curves").scroll_into_view_if_needed()

    def changes(action) -> None:
        before = picture(page, "val_loss")
        action()
        page.locator("[data-metric=val_loss]").scroll_into_view_if_needed()  # only what is on screen is drawn
        page.wait_for_function(
            "before => document.querySelector('[data-metric=\"val_loss\"] canvas').toDataURL() !== before",
            arg=before,
            timeout=3000,
        )

    changes(lambda: page.select_option("#axis", "step"))
    changes(lambda: page.select_option("#axis", "time"))
    changes(lambda: page.select_option("#axis", "epoch"))
    changes(lambda: page.fill("#smoothing", "0.9"))
    changes(lambda: page.check("#log"))
    changes(lambda: page.uncheck("#log"))
    changes(lambda: page.uncheck("#bands"))
    changes(lambda: page.uncheck("#seeds"))
    changes(lambda: page.select_option("#group", "seed"))
    assert page.locator(".groups button").count() == 2
    changes(lambda: page.select_option("#group", "arm.name"))
    changes(page.locator(".groups button").first.click)
    assert page.locator(".groups button").first.get_attribute("aria-pressed") == "false"
    changes(page.locator(".groups button").first.click)
    changes(page.locator("#runs tbody input").first.uncheck)
    changes(lambda: page.fill("#filter", "seed=1"))
    assert page.locator("#runs tbody tr").count() == 2
    page.fill("#filter", 'arm.name="no dropout" seed=1')
    assert page.locator("#runs tbody tr").count() == 1
    changes(lambda: page.fill("#filter", ""))


def test_hover_zoom_and_keyboard(show, report):
    page = show(report)
    plot = page.locator("[data-metric=val_loss] .u-over")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 50)
    assert "dropout 0.25" in page.inner_text("[data-metric=val_loss] .tip")
    assert page.is_disabled("#unzoom")
    assert page.locator("[data-metric=val_loss] .tip .looked").count() == 1
    assert page.locator("[data-metric=gap] .tip").is_hidden()  # only its line follows
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 50, steps=5)
    page.mouse.up()
    assert page.is_enabled("#unzoom")
    page.click("#unzoom")
    assert page.is_disabled("#unzoom")
    plot = page.locator("[data-metric=val_loss] .plot")
    plot.focus()
    page.keyboard.press("ArrowLeft")
    assert re.search(r"epoch 1\b", page.inner_text("[data-metric=val_loss] .tip"))
    page.keyboard.press("ArrowRight")
    assert re.search(r"epoch 2\b", page.inner_text("[data-metric=val_loss] .tip"))
    page.keyboard.press("+")
    assert page.is_enabled("#unzoom")
    page.locator("[data-metric=val_loss] .plot").focus()
    page.keyboard.press("-")
    assert page.is_disabled("#unzoom")


def test_table_histograms_metrics_theme(show, report):
    page = show(report)
    page.click("[data-sort=val_loss]")
    first = page.locator("#runs tbody [data-key=val_loss]").all_inner_texts()
    assert first == sorted(first, key=float)
    page.click("[data-sort=val_loss]")
    assert page.locator("th[aria-sort=descending]").count() == 1
    assert page.locator("#inside .ribbon").count() == 2
    ribbon = page.locator("#inside .ribbon").first
    before = ribbon.inner_html()
    page.select_option("#layer", index=1)
    assert page.locator("#inside .ribbon").first.inner_html() != before
    ticks = page.locator("#inside .ribbon").evaluate_all(
        "all => all.map(one => [...one.querySelectorAll('text')].map(text => text.textContent).join())"
    )
    assert ticks[0] == ticks[1]  # one scale for both arms
    page.locator("#inside details summary").click()
    maps = page.locator("#inside canvas")
    maps.first.wait_for()
    assert maps.count() == 4
    before = maps.first.evaluate("c => c.toDataURL()")
    page.select_option("#kind", "gradient")
    assert page.locator("#inside canvas").first.evaluate("c => c.toDataURL()") != before
    page.select_option("#layer", "fc2.weight")
    page.locator("#inside canvas").first.hover()
    assert "epoch" in page.inner_text("#inside .map .tip >> nth=0")
    assert "arm.p" in page.inner_text("#runs thead")
    assert page.locator("#runs .spark svg").count() == 4
    page.fill("#filter", "val_loss<0")
    assert page.inner_text("#runs tbody") == "No run passes the filter."
    page.fill("#filter", "arm.p>=0.25")
    assert page.locator("#runs tbody tr").count() == 2
    page.fill("#filter", "")
    page.locator("details.choices summary").click()
    page.fill("#metric-search", "learning")
    assert page.locator(".choices label:visible").count() == 1
    page.fill("#metric-search", "")
    page.check("input[name=metric][value=lr]")
    page.locator("[data-metric=lr]").scroll_into_view_if_needed()
    page.locator("[data-metric=lr] canvas").wait_for()
    page.uncheck("input[name=metric][value=lr]")
    assert page.locator("[data-metric=lr]").count() == 0
    assert page.locator("[data-metric='p/drop1']").count() == 0  # it does not move
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != paper
    assert page.locator("#images img").count() == 12
    assert page.locator("#images img").first.evaluate("i => i.naturalWidth") == 28


ARMS = ("none", *(f"arm {number}" for number in range(1, 12)))


def test_many_arms_are_looked_at_one_by_one(show, tmp_path):
    path = tmp_path / "many.html"
    given = source(ARMS, seeds=3, epochs=30)
    kinds = [{"name": arm, "p": 0.5, "kind": f"k{place}"} for place, arm in enumerate(ARMS)]
    record = dataclasses.replace(given.record, spec={**given.record.spec, "arms": kinds})
    path.write_text(build_page(given._replace(record=record)), encoding="utf-8")
    page = show(path)
    assert page.locator(".dose").count() == 0
    assert page.locator("#effects .matrix tbody tr").count() == len(ARMS) - 1
    assert page.locator(".groups .rest").count() == len(ARMS) - 6
    strokes = page.locator(".groups .swatch line").evaluate_all(
        "all => all.map(line => line.getAttribute('stroke') + ' ' + line.getAttribute('stroke-dasharray'))"
    )
    assert len(set(strokes)) == 7  # six, and the rest
    plot = page.locator("[data-metric=val_loss] .u-over")
    plot.scroll_into_view_if_needed()
    height = page.evaluate("document.documentElement.scrollHeight")
    before = picture(page, "val_loss")
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.5)
    tip = page.locator("[data-metric=val_loss] .tip")
    assert len(tip.locator("> span:not(.hint)").all()) == 8 + 1
    assert "and 4 more" in tip.inner_text()
    assert "seed" in tip.locator(".hint").inner_text()
    values = [float(text.split(": ")[1].split()[0]) for text in tip.locator("> span:has(bdi)").all_inner_texts()][1:]
    assert values == sorted(values, reverse=True)
    assert picture(page, "val_loss") != before
    assert page.evaluate("document.documentElement.scrollHeight") == height
    page.mouse.move(5, 5)
    page.wait_for_function(
        "before => document.querySelector('[data-metric=\"val_loss\"] canvas').toDataURL() === before", arg=before
    )
    page.locator(".groups button").nth(2).click(modifiers=["Shift"])
    assert page.locator(".groups button[aria-pressed=true]").count() == 1
    assert "arm 2" in page.get_attribute("[data-metric=val_loss] .plot", "aria-label")


def test_axes_come_from_means_and_leave_outliers_out_on_request(show, tmp_path):
    given = source(("none", "half"), seeds=2, epochs=60)
    key = next(iter(given.record.runs))
    run = given.record.runs[key]
    spiked = dataclasses.replace(run, metrics={**run.metrics, "val_loss": (90.0, *run.metrics["val_loss"][1:])})
    record = dataclasses.replace(given.record, runs={**given.record.runs, key: spiked})
    path = tmp_path / "spike.html"
    path.write_text(build_page(given._replace(record=record)), encoding="utf-8")
    page = show(path)

    def top() -> float:
        with page.expect_download() as download:
            page.click("[data-metric=val_loss] [data-download=svg]")
        texts = re.findall(r'text-anchor="end">([\d.]+)<', Path(download.value.path()).read_text())
        return max(map(float, texts))

    assert top() > 50
    page.check("#outliers")
    assert top() < 3
    page.uncheck("#seeds")
    page.uncheck("#outliers")
    assert 30 < top() < 50  # the mean of two runs, not the band around it


def test_downloads(show, report, tmp_path):
    page = show(report)
    page.locator("[data-metric=val_loss]").scroll_into_view_if_needed()
    panel = "[data-metric=val_loss] [data-download={}]"
    beginnings = {
        panel.format("png"): b"\x89PNG",
        panel.format("svg"): b"<svg",
        "#csv": "\ufeffarm,seed,epoch,val_loss".encode(),
    }
    for what, begins in beginnings.items():
        with page.expect_download() as download:
            page.click(what)
        download.value.save_as(tmp_path / "file")
        assert (tmp_path / "file").read_bytes().startswith(begins)
        if what.endswith("[data-download=png]"):
            assert struct.unpack(">II", (tmp_path / "file").read_bytes()[16:24]) == (1440, 800)
    assert len((tmp_path / "file").read_text(encoding="utf-8").splitlines()) == 1 + 4 * 2


def test_svg_is_xml_with_both_arms(show, report, tmp_path):
    from xml.etree import ElementTree as ET

    page = show(report)
    with page.expect_download() as download:
        page.click("[data-metric=gap] [data-download=svg]")
    download.value.save_as(tmp_path / "gap.svg")
    texts = "".join(ET.parse(tmp_path / "gap.svg").getroot().itertext())
    assert "no dropout" in texts
    assert "dropout 0.25" in texts


def test_hostile_texts_are_text(show, tmp_path):
    path = tmp_path / "hostile.html"
    path.write_text(build_page(source(HOSTILE, seeds=2, epochs=3, state="failed", reason=HOSTILE[1])), encoding="utf-8")
    page = show(path)
    for code in ("en", "ja"):
        page.click(f"[data-lang={code}]")
        body = page.inner_text("body")
        for text in HOSTILE[:3]:
            assert text in body
        assert "🙂 日本語" in body
    page.wait_for_timeout(200)
    assert page.evaluate("window.hacked") is None
    assert page.locator("#page script, #page img[src=x]").count() == 0


def test_dark_mode_print_and_no_script(show, browser, report):
    page = show(report, color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 19, 24)"
    page.emulate_media(media="print")
    assert not page.is_visible("#smoothing")
    assert page.is_visible("#answer h1")
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(report.as_uri())
    assert "検証損失" in plain.inner_text("noscript")
    pictures = plain.locator("noscript svg")
    assert pictures.count() >= 4
    assert all(0 < box["width"] <= 1280 for box in (pictures.nth(at).bounding_box() for at in range(pictures.count())))
    assert "better" in pictures.first.text_content() or "not clear yet" in pictures.first.text_content()
    context.close()


def test_printing_shows_every_chart_on_white(show, report, tmp_path):
    page = show(report, color_scheme="dark")
    page.evaluate(
        """addEventListener('beforeprint', () => window.onPaper = {
        panels: document.querySelectorAll('.panel').length,
        drawn: document.querySelectorAll('.panel canvas').length,
        paper: getComputedStyle(document.body).backgroundColor })"""
    )
    page.pdf(path=tmp_path / "page.pdf")
    seen = page.evaluate("window.onPaper")
    assert seen["drawn"] == seen["panels"] == 6
    assert seen["paper"] == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 19, 24)"


def test_switching_language_keeps_focus_and_what_is_open(show, report):
    page = show(report)
    page.select_option("#layer", "fc1.weight")
    page.locator("#method details summary").first.click()
    page.focus("[data-lang=ja]")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.lang") == "ja"
    assert page.locator("details[open]").count() == 1
    assert page.locator("#method details").first.get_attribute("open") is not None
    assert page.input_value("#layer") == "fc1.weight"


def test_a_finger_zooms(show, report):
    page = show(report, has_touch=True)
    plot = page.locator("[data-metric=val_loss] .u-over")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    touch = page.context.new_cdp_session(page)

    def send(kind: str, share: float | None = None) -> None:
        points = [] if share is None else [{"x": box["x"] + box["width"] * share, "y": box["y"] + 60}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    assert page.is_disabled("#unzoom")
    send("touchStart", 0.2)
    for share in (0.3, 0.5, 0.8):
        send("touchMove", share)
    send("touchEnd")
    page.wait_for_selector("#unzoom:enabled")
    page.click("#unzoom")
    assert page.is_disabled("#unzoom")


def test_names_and_roles(show, report):
    page = show(report)
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, canvas[role], .plot, svg[role]')]
        .filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.closest('label')))
        .map(e => e.outerHTML)"""
    )
    assert unnamed == []
    assert page.locator("h1").count() == 1
    labels = page.locator(".panel .plot").evaluate_all("p => p.map(e => e.getAttribute('aria-label'))")
    assert "dropout 0.25" in labels[0]


def test_sixty_runs_of_5000_points_answer_quickly(show, tmp_path):
    """Answers are drawn and measured here; ``benchmarks/page.py`` holds them to 100 ms."""
    path = tmp_path / "large.html"
    path.write_text(build_page(source(("a", "b", "c"), seeds=20, epochs=5000)), encoding="utf-8")
    page = show(path)
    page.locator("#curves").scroll_into_view_if_needed()
    seconds = page.evaluate(
        """() => { const box = document.getElementById('smoothing'); const began = performance.now();
        box.value = '0.5'; box.dispatchEvent(new Event('input')); return performance.now() - began; }"""
    )
    assert page.inner_text("label:has(#smoothing) output") == "0.50"
    print(f"smoothing 60 runs × 5,000 points: {seconds:.0f} ms")


def test_what_was_noticed_stands_under_the_answer_in_both_languages(show, tmp_path):
    given = source(("none", HOSTILE[0]), 2, 3)
    notices = (Notice("weights_same"), Notice("never_called", HOSTILE[0], {"sites": HOSTILE[1]}))
    path = tmp_path / "noticed.html"
    path.write_text(
        build_page(given._replace(record=dataclasses.replace(given.record, notices=notices))), encoding="utf-8"
    )
    page = show(path)
    shown = page.locator("#answer #noticed li")
    assert shown.count() == 2
    assert "Seeds do not change" in shown.nth(0).text_content()
    assert all(text in shown.nth(1).text_content() for text in HOSTILE[:2])
    page.click("[data-lang=ja]")
    assert "シードを変えても" in page.locator("#noticed li").nth(0).text_content()
    assert page.evaluate("window.hacked") is None


def test_where_nothing_was_noticed_there_is_no_panel(show, tmp_path):
    path = tmp_path / "quiet.html"
    path.write_text(build_page(source(("none", "half"), 2, 3)), encoding="utf-8")
    assert show(path).locator("#noticed").count() == 0


def test_a_sheet_of_paper_holds_the_page(show, report, tmp_path):
    path = tmp_path / "variants.html"
    path.write_text(build_page(source(ARMS, seeds=2, epochs=4)), encoding="utf-8")
    for shown in (report, path):
        page = show(shown)
        page.set_viewport_size({"width": 704, "height": 1000})  # A4 without its margins
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.evaluate("document.documentElement.scrollWidth") <= 704
        assert page.evaluate("[...document.querySelectorAll('.panel canvas')].every(one => one.clientWidth < 360)")
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.get_attribute("html", "class") == ""

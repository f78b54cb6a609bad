"""The page's first three sections in headless Chromium: the answer, which arm, and when to stop."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from droplab.analysis import judge
from droplab.records import ChangedImages
from droplab.report import PageSource, build_page
from tests.analysis.records import simulate
from tests.analysis.test_stopping import folded
from tests.report.conftest import settled
from tests.report.pages import source

SIZES = ((1440, 900), (1280, 720), (390, 844))


def made(seeds: int = 5, *, second: bool = True) -> PageSource:
    record = simulate(np.random.default_rng(2), seeds, effect=True)
    record = folded(record) if second else record
    record = dataclasses.replace(
        record, spec={**record.spec, "arms": [{"name": "a", "p": 0.0}, {"name": "b", "p": 0.5}]}
    )
    return PageSource(record, judge(record), "2026-01-01T00:00:00", 4, [{}], {}, {}, ChangedImages({}, "unfinished"))


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    path = tmp_path_factory.mktemp("two") / "page.html"
    path.write_text(build_page(made()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def doses(tmp_path_factory):
    path = tmp_path_factory.mktemp("doses") / "page.html"
    path.write_text(build_page(source(("none", "low", "middle", "high"), seeds=4, epochs=8)), encoding="utf-8")
    return path


def test_the_decision_and_all_six_lines_are_in_the_first_screen(show, two):
    for width, height in SIZES:
        page = show(two)
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("scrollTo(0, 0)")
        for code in ("en", "ja"):
            page.click(f"[data-lang={code}]")
            assert page.locator(".lines tbody tr").count() == 6
            below = page.evaluate("document.querySelector('.lines').getBoundingClientRect().bottom + scrollY")
            assert below <= (height if width > 390 else 2 * height)
            title = page.inner_text("h1")
            assert title == ('Use "b"' if code == "en" else "「b」を使ってください")
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_header_stays_and_leads_to_every_section(show, two):
    page = show(two)
    names = page.locator("nav a").evaluate_all("links => links.map(a => a.getAttribute('href').slice(1))")
    assert names == ["answer", "effects", "when", "curves", "runs", "images", "method"]
    for name in names:
        page.click(f"nav a[href='#{name}']")
        page.wait_for_function(f"() => location.hash.includes('at={name}')")
        assert page.evaluate("document.querySelector('header').getBoundingClientRect().top") == 0
        top = page.evaluate(f"document.getElementById('{name}').getBoundingClientRect().top")
        assert 0 <= top < 900
    assert page.locator("section").evaluate_all("all => all.map(one => one.id)") == names


def test_lines_say_what_was_tested_with_the_colour_of_its_consequence(show, two):
    page = show(two)
    effects = {effect.endpoint: effect for effect in made().verdict.effects}
    pills = {"better": "better", "worse": "yes, it overfits", "cost": "cost"}
    for row in page.locator(".lines tbody tr").all():
        effect = effects[row.get_attribute("data-endpoint")]
        meant = made().verdict.consequence(effect)
        pill = row.locator(".pill")
        assert meant in pill.get_attribute("class")
        assert pill.inner_text().endswith(pills.get(meant, "not clear yet"))
        number = float(re.search(r"[+−][\d.]+", row.locator("b").inner_text())[0].replace("−", "-"))
        assert number == pytest.approx(100 * effect.mean if effect.unit == "share" else effect.mean, rel=0.06)
    for scheme in ("light", "dark"):
        page = show(two, color_scheme=scheme)
        colours = page.evaluate(
            """['better', 'worse', 'cost', 'open', 'neutral', 'identical'].map(name => {
                const pill = document.querySelector('.pill');
                pill.className = `pill ${name}`;
                return getComputedStyle(pill).color; })"""
        )
        better, worse, cost, *grey = colours
        assert worse == cost
        assert len({better, worse, *grey}) == 3


def test_slopes_have_a_line_for_each_seed_from_the_baseline_to_the_arm(show, two):
    page = show(two)
    record = made().record
    assert page.locator(".slope").count() == 4
    lines = page.locator(".slope[data-endpoint=val_accuracy] g")
    assert lines.count() == len(record.seeds)
    drawn = page.evaluate(
        """[...document.querySelectorAll('.slope[data-endpoint=val_accuracy] line')]
        .map(line => line.getAttribute('y1') - line.getAttribute('y2'))"""
    )
    a, b = ([run.metrics["val_accuracy"][-1] for run in record.complete(arm)] for arm in "ab")
    assert np.corrcoef(drawn, np.subtract(b, a))[0, 1] > 0.999


def test_the_command_is_copied_and_terms_explain_themselves(show, two):
    page = show(two)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click(".repeat .copy")
    page.wait_for_selector(".repeat .copy:text('Copied')")
    assert page.evaluate("navigator.clipboard.readText()") == page.inner_text(".repeat code")
    note = page.locator(".lines .explained").first
    assert not note.is_visible()
    page.locator(".lines .term").first.click()
    assert "chosen on some validation samples" in note.inner_text()
    page.locator(".lines .term").first.click()
    assert not note.is_visible()


def test_pictures_and_marks_of_all_arms_belong_to_their_words(show, doses):
    page = show(doses)
    page.locator("details.every summary").click()
    cells = page.evaluate(
        """[...document.querySelectorAll('.matrix tbody td')].map(cell => {
            const mean = cell.querySelector('.mean'), arrow = cell.querySelector('.arrow');
            const zero = Number(cell.querySelector('.zero').getAttribute('x1'));
            const at = mean ? Number(mean.getAttribute('x')) + 3 - zero
                : arrow ? (arrow.getAttribute('d').startsWith('M1 ') ? -99 : 99) : null;
            return [cell.className, cell.querySelector('.value').textContent, at, cell.dataset.endpoint,
                    cell.closest('tr').dataset.arm, cell.querySelectorAll('.seeds').length]; })"""
    )
    verdict = source(("none", "low", "middle", "high"), seeds=4, epochs=8).verdict
    assert len(cells) == 3 * 6
    assert len({cell[0] for cell in cells}) > 2
    for mark, text, at, endpoint, arm, dots in cells:
        value = float(text.removeprefix("≥ ").replace("−", "-"))
        assert (at > 0) == (value > 0) or abs(value) < 0.05 or abs(at) < 0.5, (endpoint, arm)
        assert dots == 1
        if endpoint == "best_epoch":
            assert mark == "untested"
        else:
            assert mark == verdict.consequence(verdict.effect(endpoint, arm))


def test_an_arm_is_picked_everywhere_and_doses_answer_to_keys(show, doses):
    page = show(doses)
    assert page.locator(".dose").count() == 4
    point = page.locator(".dose[data-endpoint=val_loss] [data-arm=middle]")
    point.focus()
    page.keyboard.press("Enter")
    settled(page)
    assert page.input_value("#arm") == "middle"
    assert "none → middle" in page.inner_text(".lines thead")
    assert page.locator(".dose .picked").count() == 4
    page.locator("details.every summary").click()
    page.select_option("#arm", "high")
    settled(page)
    assert '"high"' in page.inner_text("#when .hint")
    assert page.get_attribute(".matrix tr.picked", "data-arm") == "high"
    page.click(".matrix tr[data-arm=low]")
    settled(page)
    assert page.input_value("#arm") == "low"


def test_the_handle_moves_answer_pills_slopes_and_doses(show, doses):
    page = show(doses)
    seen = lambda: (  # noqa: E731
        page.inner_text("h1"),
        page.inner_text(".lines [data-endpoint=val_loss] b"),
        page.get_attribute(".slope[data-endpoint=val_loss]", "aria-label"),
        page.get_attribute(".dose[data-endpoint=val_loss]", "aria-label"),
    )
    rest = seen()
    move(page, 2)
    page.wait_for_function("() => document.querySelector('h1').textContent.startsWith('At epoch 3')")
    settled(page)
    moved = seen()
    assert all(one != other for one, other in zip(rest, moved, strict=True))
    assert page.locator(".lines .pill.described").count() == page.locator(".lines .pill").count()
    assert "descriptive, unadjusted" in page.inner_text("#when .told")
    assert "Descriptive, unadjusted" in page.inner_text("#answer .tested")
    picture = page.locator(".paired")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60, steps=3)
    page.mouse.up()
    page.wait_for_function("() => document.querySelector('h1').textContent.startsWith('At epoch 4')")
    page.click("#stop-last")
    settled(page)
    assert seen() == rest
    page.focus("#stop")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => document.querySelector('h1').textContent.startsWith('At epoch 7')")
    page.click("#back")
    settled(page)
    assert seen() == rest
    page.select_option("#ask", "val_accuracy")
    settled(page)
    assert page.get_attribute(".paired", "data-endpoint") == "val_accuracy"
    assert page.locator("#stop-turn").count() == 0  # these baselines turn in their last epoch
    page.click(".lines [data-ask=turning_epoch]")
    settled(page)
    assert page.get_attribute(".paired", "data-endpoint") == "turning_epoch"


def move(page, place: int) -> None:
    page.evaluate(
        """place => { const box = document.getElementById('stop');
        box.value = place; box.dispatchEvent(new Event('input')); }""",
        place,
    )


def test_figures_that_are_drawn_are_those_that_python_computed(show, two):
    from droplab.analysis import stopping

    given = made()
    found = stopping(given.record, given.verdict)
    page = show(two)
    loss = next(one for one in found.figures if one.endpoint == "val_loss")
    for place in (1, 9):
        move(page, place)
        page.wait_for_function(f"() => document.querySelector('.told b').textContent.startsWith('epoch {place + 1}:')")
        settled(page)
        text = page.inner_text(".lines [data-endpoint=val_loss] .number").replace("−", "-")
        shown = [float(number) for number in re.findall(r"[+-]?\d+\.\d+", text)]
        truth = [loss.before, loss.after, loss.mean, loss.low, loss.high]
        assert shown == pytest.approx([values[place] for values in truth], abs=0.006)
    page.click("#stop-turn")
    settled(page)
    turn = round(float(next(one for one in found.figures if one.endpoint == "turning_epoch").before[-1]))
    assert page.inner_text("h1").startswith(f"At epoch {turn}:")


def test_the_address_keeps_what_was_chosen(show, doses):
    page = show(doses)
    page.select_option("#arm", "high")
    page.click("[data-lang=ja]")
    page.check("#log")
    page.focus("#stop")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => location.hash.includes('stop=7') && location.hash.includes('log=1')")
    again = show(doses)
    again.goto(page.url)
    again.reload()
    assert again.get_attribute("html", "lang") == "ja"
    assert again.input_value("#arm") == "high"
    assert again.is_checked("#log")
    assert again.inner_text("h1") == page.inner_text("h1")
    again.goto(doses.as_uri() + "#arm=nobody&stop=99&off=[99]&metrics=x&zoom=a,b&group=%00")
    again.reload()
    assert again.input_value("#arm") != "nobody"
    assert again.locator(".lines tbody tr").count() == 6


def test_failed_and_interrupted_experiments_have_a_headline_of_their_own(show, tmp_path):
    reason = "NaN or infinity began in conv2, at step 3 (epoch 1)."
    given = source(("none", "low", "high"), seeds=2, epochs=3, state="failed", reason=reason)
    recipe = {**given.record.spec["recipe"], "lr": 10.0}
    record = dataclasses.replace(given.record, spec={**given.record.spec, "recipe": recipe})
    path = tmp_path / "failed.html"
    path.write_text(build_page(given._replace(record=record, verdict=judge(record))), encoding="utf-8")
    page = show(path)
    assert page.inner_text("h1") == "All 6 runs failed"
    assert page.inner_text(".condition") == f"{reason} A learning rate of 10 is the likely cause; try lr = 0.001."
    assert page.locator(".lines, #failed, #effects, #when").count() == 0
    assert page.inner_text("#answer").count(reason) == 1
    page.click("[data-lang=ja]")
    assert page.inner_text("h1") == "6 件のランがすべて失敗しました"
    half = {key: dataclasses.replace(run, state="done" if key.seed else "failed") for key, run in record.runs.items()}
    record = dataclasses.replace(record, runs=half)
    path.write_text(build_page(given._replace(record=record, verdict=judge(record))), encoding="utf-8")
    page = show(path)
    assert page.locator("#failed li").count() == 1
    assert "none (seed 0); low (seed 0); high (seed 0)" in page.inner_text("#failed li")
    assert "3 of 6 runs are done" in page.inner_text(".banner")
    planned = {key: dataclasses.replace(run, state="interrupted", reason="") for key, run in record.runs.items()}
    record = dataclasses.replace(record, runs=planned)
    path.write_text(build_page(given._replace(record=record, verdict=judge(record))), encoding="utf-8")
    page = show(path)
    assert page.inner_text("h1") == "Not finished: 0 of 6 runs are done"
    assert "droplab compare" in page.inner_text(".repeat")
    assert page.locator(".lines, #effects, #when").count() == 0
    assert page.locator("#curves .panel canvas").count() > 0

"""The live page and the list in headless Chromium: what is new is drawn in place, and the reader loses nothing."""

from __future__ import annotations

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

from droplab.records import RunKey
from tests.board.conftest import PATIENCE, serving
from tests.board.ledgers import ARMS, begin, epoch, train
from tests.report.test_browser import picture

LAST = RunKey(ARMS[1], 1)


@pytest.fixture
def opened(browser):
    """Open a page of a board; at the end the console is clean and nobody else was asked."""
    troubles, contexts = [], []

    def at(address: str, width: int = 1280):
        home = address.split("/x/", maxsplit=1)[0].split("#", maxsplit=1)[0]
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}))
        page = contexts[-1].new_page()
        page.on("console", lambda message: troubles.append(message.text) if message.type in {"error", "warning"} else 0)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith((home, "data:")) else troubles.append(asked.url))
        page.set_default_timeout(1000 * PATIENCE)
        page.goto(address)
        return page

    at.expected = set()
    yield at
    for context in contexts:
        context.close()
    assert [text for text in troubles if text not in at.expected] == []


def test_a_new_epoch_is_drawn_and_the_reader_stays_where_he_is(opened, tmp_path):
    with begin(tmp_path / "one", arms=(*ARMS, "other")) as ledger, serving(tmp_path) as board:
        for seed in (0, 1):
            for arm in (ARMS[0], "other"):
                train(ledger, RunKey(arm, seed), 6)
        train(ledger, RunKey(ARMS[1], 0), 6)
        ledger.set_state(LAST, "running")
        epoch(ledger, LAST, 0)
        page = opened(
            f"{board.address}{board.page('one')[1:]}#arm=other&group=seed&smooth=0.5&metrics=%5B%22val_loss%22%5D"
        )
        page.wait_for_selector("#live[data-is=here]")
        page.evaluate("window.mine = document.querySelector('[data-metric=val_loss]')")
        page.select_option("#axis", "step")
        page.locator("#filter").fill("seed=1")
        page.locator("#filter").evaluate(
            "box => { box.setSelectionRange(4, 5); document.querySelector('#curves details').open = true; }"
        )
        page.locator("[data-metric=val_loss]").scroll_into_view_if_needed()
        page.wait_for_selector("[data-metric=val_loss] canvas")
        page.wait_for_timeout(300)

        def standing():
            return page.evaluate(
                """() => ({ axis: document.getElementById('axis').value,
                arm: document.getElementById('arm').value, filter: document.getElementById('filter').value,
                focus: document.activeElement.id, caret: document.activeElement.selectionStart,
                open: document.querySelector('#curves details').open,
                top: Math.round(document.querySelector('[data-metric=val_loss]').getBoundingClientRect().top) })"""
            )

        before, drawn = standing(), picture(page, "val_loss")
        assert before["arm"] == "other"
        assert before["focus"] == "filter"
        assert page.evaluate("scrollY") > 100
        epoch(ledger, LAST, 1, shift=0.4)
        page.wait_for_function(
            "old => document.querySelector('[data-metric=val_loss] canvas').toDataURL() !== old", arg=drawn
        )
        assert page.evaluate("window.mine === document.querySelector('[data-metric=val_loss]')")  # in its place
        assert standing() == before
        label = page.get_attribute("[data-metric=val_loss] .plot", "aria-label")
        for number in range(2, 6):
            epoch(ledger, LAST, number)
        ledger.set_state(LAST, "done")  # now the answer is another, and everything is built anew
        page.wait_for_selector(".banner", state="detached")
        assert standing() == before
        assert page.get_attribute("[data-metric=val_loss] .plot", "aria-label") != label
        page.wait_for_function("() => location.hash.includes('arm=other&axis=step&smooth=0.5')")
        assert page.inner_text("#live") == "Not training"
        assert page.locator("#runs tbody tr").count() == 3
        page.close()


def test_the_list_follows_and_a_board_that_ends_is_told(opened, tmp_path):
    with begin(tmp_path / "one") as ledger:
        train(ledger, RunKey(ARMS[0], 0), 3)
        with serving(tmp_path) as board:
            page = opened(f"{board.address}#lang=ja", 390)
            row = page.locator("tr[data-id]")
            row.wait_for()
            page.wait_for_selector(".card")
            assert "4 ラン中 1 ラン完了" in row.inner_text()
            page.uncheck("#scaled")
            train(ledger, RunKey(ARMS[1], 0), 3)
            page.wait_for_function(
                "() => document.querySelector('tr[data-id]').innerText.includes('4 ラン中 2 ラン完了')"
            )
            assert not page.is_checked("#scaled")
            assert page.locator(".card polyline").count() == 2
            with begin(tmp_path / "two") as other:
                train(other, RunKey(ARMS[0], 0), 2)
                page.locator("tr[data-id]").nth(1).wait_for()
                page.wait_for_function("() => document.querySelectorAll('.card').length === 2")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            assert page.get_attribute("#live", "data-is") == "here"
        lost = ("CONNECTION_REFUSED", "INCOMPLETE_CHUNKED_ENCODING", "CONNECTION_RESET", "EMPTY_RESPONSE")
        opened.expected |= {f"Failed to load resource: net::ERR_{why}" for why in lost}
        page.wait_for_selector("#live[data-is=lost]")
        assert page.locator("tr[data-id]").count() == 2  # what is shown stays

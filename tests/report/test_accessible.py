"""The page under axe-core, which comes with the front end's development packages and is never shipped."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from droplab.board.listing import Listing
from droplab.board.watched import Watched
from droplab.cli.translating import translate
from droplab.records import RunKey
from droplab.report import build_page
from tests.board.ledgers import ARMS, begin, train
from tests.report.pages import source

AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")

pytestmark = pytest.mark.skipif(not AXE.parents[1].is_dir(), reason="web/node_modules is not there")


def found(page) -> list[str]:
    """Grave findings: the rule, and where. By ``evaluate``, as the page lets no script in."""
    assert AXE.is_file(), "web/node_modules is older than web/package-lock.json: python scripts/web.py check brings it"
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    told = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    assert told["passes"]  # it has looked
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['failureSummary']}"
        for one in told["violations"]
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_in_both_themes_at_two_widths(show, report, scheme):
    page = show(report, color_scheme=scheme)
    for width, lang in ((1280, "en"), (390, "ja")):
        page.set_viewport_size({"width": width, "height": 844})
        page.click(f"[data-lang={lang}]")
        assert found(page) == []


def test_nothing_serious_where_runs_failed_and_arms_are_many(show, tmp_path):
    arms = tuple(f"dropout 0.{place}" for place in range(9))
    for name, made in (
        ("many", source(arms, seeds=2, epochs=4)),
        ("failed", source(arms[:2], seeds=2, epochs=3, state="failed", reason="loss is NaN")),
    ):
        path = tmp_path / f"{name}.html"
        path.write_text(build_page(made), encoding="utf-8")
        assert found(show(path)) == []


def listed(folder: Path) -> str:
    """The board's list, as a file: experiments in every state, and a place that has none."""
    for state in ("done", "running", "failed", "interrupted", "planned"):
        with begin(folder / state, name=f"{state}, under a name of its own") as ledger:
            for arm in () if state == "planned" else ARMS:
                train(ledger, RunKey(arm, 0), 3)
                if state == "done":
                    train(ledger, RunKey(arm, 1), 3)
            if state not in {"done", "planned"}:
                ledger.set_state(RunKey(ARMS[1], 1), state, "loss is NaN" if state == "failed" else "")
    (folder / "broken").mkdir()
    (folder / "broken" / "ledger.sqlite").write_bytes(b"noise" * 100)
    every = [Watched(one, "en", translate) for one in sorted(folder.iterdir())]
    for watched in every:
        watched.look()
        if not watched.trouble:
            watched.judge()
    board = SimpleNamespace(experiments=lambda: [(folder, one) for one in every], waiting=lambda: [folder / "later"])
    return Listing(board, "en").page().replace(' data-follow="events"', "")


def test_nothing_serious_in_the_boards_list(browser, tmp_path):
    path = tmp_path / "list.html"
    path.write_text(listed(tmp_path / "runs"), encoding="utf-8")
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        page.goto(path.as_uri())
        for width in (1280, 640, 390):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.locator("tr[data-id]").count() == 6
            assert page.locator(".card").count() == 4
            assert found(page) == []
        page.close()


def test_what_is_grave_is_found(show, report):
    page = show(report)
    page.evaluate("document.querySelector('main, #page').insertAdjacentHTML('beforeend', '<img src=\"data:,\">')")
    assert any(line.startswith("image-alt (critical)") for line in found(page))

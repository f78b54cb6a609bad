"""Real requests: what is answered, what is not, and what a stream tells."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import time

import pytest

import droplab

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

from droplab.ledger import FILE_NAME
from droplab.records import RunKey
from tests.board.conftest import data_of, until
from tests.board.ledgers import ARMS, begin, epoch, train
from tests.report.pages import HOSTILE
from tests.report.test_page import numbers

KEY = RunKey(ARMS[0], 0)


def test_who_is_answered(board, tmp_path):
    begin(tmp_path / "runs" / "one").close()
    until(board.watcher.experiments)
    page = board.page("one")
    status, headers, _ = board.get(page)
    assert status == 200
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers
    port = board.port
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", "localhost:9999", f"[::1]:{port}"):
        assert board.get("/", Host=host)[0] == 200, host
    for host in (
        "evil.example",
        f"evil.example:{port}",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "",
        "a@localhost",
    ):
        for path in ("/", page, f"{page}events?since=", f"{page}page.html"):
            status, _, text = board.get(path, Host=host)
            assert (status, text) == (421, "this host is not known here"), host
    assert board.get("/", Origin="http://evil.example")[0] == 403
    assert board.get("/", Origin="null")[0] == 403
    assert board.get("/", Origin=f"http://127.0.0.1:{port}")[0] == 200
    assert board.get("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")[0] == 403
    assert board.get("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")[0] == 200
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        assert board.get(page, method)[0] == 405
    assert board.get("/events", "HEAD")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/x/../../etc/passwd",
        "/x/%2e%2e%2f%2e%2e%2fetc%2fpasswd/",
        "/x/..%2fone/page.html",
        "//etc/passwd",
        "/x/one/",
        "/x/000000000000/",
        "/x/000000000000/events",
        "/x/000000000000/page.html",
        "/ledger.sqlite",
        "/x/000000000000/../../runs/one/ledger.sqlite",
    ],
)
def test_addresses_lead_nowhere_else(listed, path):
    status, _, text = listed.get(path)
    assert status == 404
    assert "root:" not in text
    assert not text.startswith("SQLite")


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    from tests.board.conftest import serving

    folder = tmp_path_factory.mktemp("listed")
    begin(folder / "one").close()
    with serving(folder) as asked:
        yield asked


def test_an_epoch_reaches_a_reader_and_nothing_else_is_sent(board, tmp_path):
    with begin(tmp_path / "runs" / "one") as ledger:
        train(ledger, KEY, 2)
        ledger.set_state(RunKey(ARMS[1], 0), "running")
        until(board.watcher.experiments)
        page = board.page("one")
        shown = board.get(page)[2]
        since = re.search(r'data-follow="(events\?since=[^"]+)"', shown)[1]
        assert "connect-src 'self'" in shown
        assert [run["epochs"] for run in data_of(shown)["runs"]] == [2, 0, 0, 0]
        with board.events(page + since) as told:
            began = time.monotonic()
            epoch(ledger, RunKey(ARMS[1], 0), 0)
            runs, parts, at = {}, {}, ""
            while not runs:
                at, news = next(told)
                runs, parts = news["runs"], parts | news["parts"]
            assert time.monotonic() - began < 10  # two on a machine that has time; the benchmark says how many
            assert runs.keys() == {"1"}
            assert parts.keys() == {"live"}
            assert numbers(runs["1"]["metrics"]["val_loss"]) == [1.1]
            assert news["count"] == 4
        with board.events(f"{page}events?since={at}") as told:  # from where it was left
            epoch(ledger, RunKey(ARMS[1], 0), 1)
            at, news = next(told)
            assert numbers(news["runs"]["1"]["metrics"]["val_loss"]) == [1.1, 0.6]
            ledger.set_state(RunKey(ARMS[1], 0), "done")
            while "effects" not in news["parts"]:
                at, news = next(told)
            assert news["parts"]["experiment"]["done"] == 2
        with board.events(f"{page}events?since=another-7") as told:  # of a board that is gone
            _, news = next(told)
            assert news["runs"].keys() == {"0", "1", "2", "3"}
            assert {**news["parts"], "runs": 0}.keys() == data_of(board.get(page)[2]).keys()


def test_what_is_not_there_yet_is_waited_for(board, tmp_path):
    runs = tmp_path / "runs"
    with board.events("/events") as told:
        _, news = next(told)
        assert news == {"ids": [], "rows": [], "waiting": [str(runs)]}
        runs.mkdir()
        with begin(runs / "group" / "one") as ledger:
            while not news["ids"]:
                _, news = next(told)
            assert news["waiting"] == []
            ledger.set_state(KEY, "running")
            epoch(ledger, KEY, 0)
            row = board.row("one", lambda row: row["state"] == "running" and row.get("curves"))
    assert row["folder"] == "group/one"
    assert row["curves"] == [{"arm": ARMS[0], "x": [1], "y": [1.2]}]
    assert row["best"] == {"arm": ARMS[0], "value": 1.2, "runs": 1}
    assert (row["runs"], row["epochs"]) == ([4, 0, 0, 1], [1, 24])
    assert row["decision"]["ja"]["title"].startswith("未完了")


def test_nothing_is_read_while_nobody_looks(board, tmp_path):
    with begin(tmp_path / "runs" / "one") as ledger:
        ledger.set_state(KEY, "running")
        until(lambda: board.watcher.experiments() and board.watcher.experiments()[0][1].record)
        time.sleep(0.6)  # what was written at the file system's last tick is looked at once more
        watched = board.watcher.experiments()[0][1]
        known = watched.record
        epoch(ledger, KEY, 0)
        time.sleep(0.6)
        assert watched.record is known
        assert data_of(board.get(board.page("one"))[2])["runs"][0]["epochs"] == 1


def test_a_broken_ledger_is_shown_and_stops_nothing(board, tmp_path):
    for name in ("good", "bad", "gone"):
        with begin(tmp_path / "runs" / name) as ledger:
            train(ledger, KEY, 2)
    (tmp_path / "runs" / "noise").mkdir()
    (tmp_path / "runs" / "noise" / FILE_NAME).write_bytes(b"\x00\xff" * 4000)
    board.row("bad", lambda row: "curves" in row)
    board.row("gone", lambda row: "curves" in row)
    page = board.page("bad")
    assert data_of(board.get(page)[2])["live"]["trouble"] is None
    db = sqlite3.connect(tmp_path / "runs" / "bad" / FILE_NAME)
    db.execute("UPDATE metrics SET value = 7 WHERE name = 'val_loss'")
    db.execute("DELETE FROM design WHERE key = 'spec'")
    db.commit()
    db.close()
    shutil.rmtree(tmp_path / "runs" / "gone")
    bad = board.row("bad", lambda row: row["state"] == "broken")
    assert "its design are not what was written" in bad["trouble"]["en"]
    assert "台帳" in bad["trouble"]["ja"]
    assert bad["curves"][0]["y"] == [1.2, 0.7]  # what was known stays
    assert "holds no experiment" in board.row("gone", lambda row: row["state"] == "broken")["trouble"]["en"]
    assert "not a database" in board.row("noise", lambda row: row["state"] == "broken")["trouble"]["en"]
    shown = data_of(board.get(page)[2])  # so does its page
    assert (shown["live"]["trouble"], shown["runs"][0]["epochs"]) == (bad["trouble"], 2)
    assert board.get(board.page("noise"))[0] == 503
    with begin(tmp_path / "runs" / "good 2") as ledger:
        train(ledger, KEY, 1)
        assert board.row("good 2", lambda row: "curves" in row)["state"] == "interrupted"


def test_scripts_in_names_stay_text(board, tmp_path):
    names = [*HOSTILE[:2], "</script><script>window.hacked=1</script>"]
    with begin(tmp_path / "runs" / "one", arms=tuple(names), name=names[2]) as ledger:
        for arm in names:
            train(ledger, RunKey(arm, 0), 2)
        ledger.set_state(RunKey(names[0], 1), "failed", HOSTILE[1])
    board.row(names[2], lambda row: "curves" in row)
    for path in ("/", board.page("one")):
        text = board.get(path)[2]
        for markup in ("<script>window.hacked", "<img src=x", "</script><script>window"):
            assert markup not in text
    assert data_of(board.get(board.page("one"))[2])["experiment"]["arms"] == names
    assert [row["name"] for row in data_of(board.get("/")[2])["rows"]] == [names[2]]


def test_the_page_as_a_file_is_that_of_the_command(finished, tmp_path, monkeypatch):
    monkeypatch.setattr("droplab.board.watcher._STILL_SECONDS", 0.0)
    from tests.board.conftest import serving

    with serving(finished.folder) as board:
        status, headers, text = board.get(f"{board.page(finished.folder.name)}page.html")
        assert status == 200
        assert headers["content-disposition"].startswith('attachment; filename="report.html"')
        assert "data-follow" not in text
        assert "connect-src" not in text
        now = droplab.Results.read(finished.folder)  # a test may have left a note there since it was made
        assert data_of(text) == data_of(now.write_page(tmp_path / "page.html").read_text(encoding="utf-8"))
        with board.events(f"{board.page(finished.folder.name)}events?since=") as told:
            news = {"parts": {"changed": {"arms": []}}}
            while not news["parts"].get("changed", {"arms": []})["arms"]:  # images, which want the data set
                _, news = next(told)
        assert json.dumps(news["parts"]["changed"]) == json.dumps(data_of(text)["changed"])

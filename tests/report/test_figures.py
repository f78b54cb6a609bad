"""Figures for papers: what is drawn is what was measured, read back through the axes beside it."""

from __future__ import annotations

import importlib
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from droplab.cli import main
from droplab.errors import FailureError, UserError
from droplab.records import RunKey
from droplab.report import build_page
from droplab.report.figures import WITHOUT, Figure, draw, listed, themes
from droplab.report.figures.drawing import pixels
from droplab.report.figures.frames import difference_ticks, level_ticks
from droplab.report.figures.plainly import SHARE
from droplab.report.figures.scales import curves_scale, differences_scale
from droplab.report.figures.sheet import unpacked
from droplab.report.figures.table import KINDS
from droplab.report.figures.themes import CATEGORIES, DARK, DASHES, LIGHT, PAGE, RAMP, REST
from droplab.report.locale import texts
from tests.report.figures import (
    RECORDS,
    across,
    doses,
    every,
    hostile,
    is_number,
    many,
    number,
    of,
    outside,
    overlaps,
    read,
    spread,
    two,
    upright,
)
from tests.report.pages import HOSTILE, source

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web" / "src"
sys.path.insert(0, str(ROOT / "scripts"))
draw_figures = importlib.import_module("draw_figures")
sys.path.remove(str(ROOT / "scripts"))


@pytest.mark.parametrize("width", ["60mm", "85mm", "170mm"])
@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("case", RECORDS)
def test_nothing_leaves_the_canvas_and_no_text_lies_over_another(case, lang, width):
    record = RECORDS[case]()
    sheet = of(record, lang, histograms=spread(record) if case != "many" else None)
    for name, svg in every(sheet, width).items():
        found = read(svg)
        assert found.width == pytest.approx(pixels(width)[0], abs=0.1)
        assert outside(found) == [], (name, outside(found)[:3])
        assert overlaps(found) == [], (name, overlaps(found)[:3])
        assert len({text.size for text in found.texts}) <= 4, name
        assert not re.search(r"undefined|\bnan\b|None|\{(?!hacked)\w*\}", found.said()), name


def test_the_difference_over_epochs_is_the_pages():
    sheet = of(two())
    found = read(draw(sheet, "when.val_loss").svg)
    right = min(text.right for text in found.texts if text.anchor == "end" and is_number(text.words))
    y = upright(
        [text for text in found.texts if text.anchor == "end" and is_number(text.words) and text.right >= right]
    )
    x = across([text for text in found.texts if text.anchor == "middle" and is_number(text.words)])
    line = next(one for one in sheet.lines if one.endpoint == "val_loss")
    (mean,) = found.paths(stroke_width="2.2")
    assert [x(mean[0][0]), x(mean[-1][0])] == pytest.approx([1, 15], abs=0.05)
    by_epoch = {round(x(px)): y(py) for px, py in mean}
    wanted = {epoch: sheet.described(line, "b", place).mean for place, epoch in enumerate(sheet.epochs)}
    assert len(by_epoch) > 10
    assert by_epoch == pytest.approx({epoch: wanted[epoch] for epoch in by_epoch}, abs=0.002)
    assert len(found.paths(stroke_width=".8")) == 5  # seeds
    tested = sheet.reading(line)
    thick = found.paths(stroke_width="3")[-1]
    assert sorted(y(py) for _, py in thick) == pytest.approx([tested.low, tested.high], abs=0.002)
    assert '"b" better' in found.said()
    assert "nats" in found.said()


def test_doses_stand_where_their_means_are():
    sheet = of(doses())
    found = read(draw(sheet, "doses", width="100mm").svg)  # one chart beneath the other
    first = sheet.title(next(line for line in sheet.lines if line.role == "val"))
    top = next(text.y for text in found.texts if text.words == first)
    axis = next(text.y for text in found.texts if text.words == "drop rate p" and text.y > top)
    here = [text for text in found.texts if top < text.y <= axis and is_number(text.words)]
    y = upright([text for text in here if text.anchor == "end"])
    x = across([text for text in here if text.anchor == "middle"])
    line = next(line for line in sheet.lines if line.role == "val")
    thick = [path for path in found.paths(stroke_width="3") if top < path[0][1] < axis and path[0][0] == path[1][0]]
    assert len(thick) == 3
    for path, arm in zip(sorted(thick), ("low", "middle", "high"), strict=True):
        figure = sheet.reading(line, arm)
        assert x(path[0][0]) == pytest.approx(sheet.doses[arm], abs=0.002)
        assert sorted(y(py) for _, py in path) == pytest.approx([figure.low, figure.high], abs=0.004)


def test_slopes_lead_from_the_baseline_to_the_arm():
    sheet = of(two())
    found = read(draw(sheet, "slopes", width="85mm").svg)
    ends = sorted(found.paths(stroke_width="1.4"))
    assert len(ends) == 5 * 3 + 5
    line = next(line for line in sheet.asked if line.role not in {"rise", "turn"})
    left = min(path[0][0] for path in ends)
    half, row = found.width / 2, min(text.y for text in found.texts if text.words == "b")
    ends = [path for path in ends if path[1][0] < half and path[0][1] < row]
    y = upright([text for text in found.texts if is_number(text.words) and text.right < left + 20 and text.y < row])
    drawn = sorted((y(a[1]), y(b[1])) for a, b in ends)
    wanted = sorted((sheet.run_at(line, "a", seed), sheet.run_at(line, "b", seed)) for seed in range(5))
    assert [value for pair in drawn for value in pair] == pytest.approx([v for pair in wanted for v in pair], abs=0.004)


def test_answers_hold_intervals_on_one_axis_for_each_unit():
    sheet = of(two())
    found = read(draw(sheet, "answer").svg)
    assert sheet.data["decision"]["en"]["title"] in found.said()
    line = next(line for line in sheet.asked if line.role == "fit")
    figure = sheet.reading(line)
    pp = next(text for text in found.texts if text.words == "pp")
    x = across([text for text in found.texts if text.y == pp.y and text.anchor == "middle"])
    thick = found.paths(stroke_width="3", stroke=LIGHT.of(figure.shown))
    spans = [sorted(x(px) / 100 for px, _ in path) for path in thick if path[0][1] < pp.y]
    assert any(span == pytest.approx([figure.low, figure.high], abs=0.0015) for span in spans)
    words = {text.words for text in found.texts}
    assert {"cost", "better"} <= words


def test_effects_are_sorted_and_a_mean_beyond_the_scale_is_an_arrow():
    made = many()
    far = {
        key: replace(run, metrics={**run.metrics, "val_loss": tuple(50.0 + v for v in run.metrics["val_loss"])})
        if key.arm == "arm number 7"
        else run
        for key, run in made.runs.items()
    }
    sheet = of(replace(made, runs=far))
    found = read(draw(sheet, "effects", width="300mm").svg)
    order = [text.words for text in sorted(found.texts, key=lambda text: text.y) if text.words.startswith("arm number")]
    line = sheet.lines[0]
    means = [sheet.reading(line, arm).mean for arm in order]
    assert len(order) == 39
    assert means == sorted(means, reverse=line.better > 0)
    assert [len(path) for path in found.paths(fill=LIGHT.bad)].count(3) == 1  # an arrow; diamonds have four corners
    rows = [text.y for text in found.texts if text.words.startswith("arm number 2")]
    assert max(rows) - min(rows) < 39 * 18 + 1


def test_effects_stand_in_the_row_of_their_arm_on_the_scale_of_their_column():
    sheet = of(doses())
    line = next(line for line in sheet.lines if line.role != "rise")
    found = read(draw(sheet, "effects").svg)
    rows = {arm: min(text.y for text in found.texts if text.words == arm) for arm in sheet.others}
    drawn, wanted = [], []
    for arm, at in rows.items():
        figure = sheet.reading(line, arm)
        here = sorted(text.x for text in found.texts if abs(text.y - at) < 2 and is_number(text.words))
        said = next(text.words for text in found.texts if text.x == here[0] and abs(text.y - at) < 2)
        assert number(said) == pytest.approx(figure.mean * (100 if line.unit == "share" else 1), abs=0.006)
        thick = min(path for path in found.paths(stroke_width="3") if abs(path[0][1] - at) < 9)
        drawn += [x for x, _ in thick]
        wanted += [figure.low, figure.high]
    assert len(rows) == 3
    (x1, v1), (x2, v2) = min(zip(drawn, wanted, strict=True)), max(zip(drawn, wanted, strict=True))
    placed = [v1 + (x - x1) / (x2 - x1) * (v2 - v1) for x in drawn]
    assert placed == pytest.approx(wanted, abs=0.03 * abs(v2 - v1))


def test_curves_are_means_and_the_band_is_the_interval():
    record = two()
    sheet = of(record)
    found = read(draw(sheet, "curves.val_loss").svg)
    y = upright([text for text in found.texts if text.anchor == "end" and is_number(text.words)])
    x = across([text for text in found.texts if text.anchor == "middle" and is_number(text.words)])
    means = found.paths(stroke_width="1.9")
    assert len(means) == 2
    for path, arm in zip(means, "ab", strict=True):
        runs = [record.runs[RunKey(arm, seed)].metrics["val_loss"] for seed in range(5)]
        wanted = [sum(values) / 5 for values in zip(*runs, strict=True)]
        assert [y(py) for _, py in path] == pytest.approx([wanted[round(x(px)) - 1] for px, _ in path], abs=0.004)
    assert len(found.paths(stroke_width=".7")) == 10
    assert "validation loss (nats)" in found.said()
    assert "validation accuracy (%)" in read(draw(sheet, "curves.val_accuracy").svg).said()


@pytest.mark.parametrize(
    "ends",
    [(1e30, 3e30), (1e30, 1.00000001e30), (1e-30, 3e-30), (-1e-30, 2e-30), (1e16, 1e16 + 2), (1e6, 1e6 + 1e-9),
     (0.6931471, 0.6931472), (0.001, 0.003), (-0.0004, 0.0011), (100.01, 100.09), (5e5, 2.2e6), (1e300, 1.1e300),
     (-1.7e308, 1.7e308)],
)  # fmt: skip
def test_labels_are_short_distinct_and_right(ends):
    for found in (
        level_ticks(curves_scale(ends, share=False), "", 4),
        difference_ticks(differences_scale([ends[1] - ends[0], 0.0]), "", 4),
    ):
        words = [one.label for one in found]
        assert len(words) == len(set(words)) > 1, words
        assert max(map(len, words)) <= 11, words
        assert [number(one.label) for one in found] == pytest.approx([one.value for one in found], rel=1e-11, abs=0)


@pytest.mark.parametrize("size", [1e30, 1e-30])
def test_figures_of_numbers_of_any_size(size):
    record = doses()
    runs = {
        key: replace(
            run,
            metrics={
                name: tuple(value * size for value in values) if name.endswith(("loss", "gap")) else values
                for name, values in run.metrics.items()
            },
        )
        for key, run in record.runs.items()
    }
    for name, svg in every(of(replace(record, runs=runs))).items():
        found = read(svg)
        assert outside(found) == overlaps(found) == [], name
        numbers = [text.words for text in found.texts if is_number(text.words)]
        assert max(map(len, numbers)) <= 11, (name, numbers)
        assert "0.000000" not in found.said(), name


def test_ribbons_hold_all_arms_on_one_scale():
    record = doses()
    sheet = of(record, histograms=spread(record))
    found = read(draw(sheet, "inside.fc1.weight").svg)
    assert [text.words for text in found.texts if text.words in record.arms] == list(record.arms)
    places = [(t.words, t.y) for t in found.texts if t.anchor == "end" and is_number(t.words)]
    rows = sorted({y for _, y in places})
    assert [sorted(words for words, y in places if y == row) for row in rows] == [
        [words] * 2 for words in ("0", "−5", "−10")
    ] * 2  # two charts in each of two rows
    y = upright([text for text in found.texts if text.anchor == "end" and text.y < rows[2] + 1])
    (median, *_) = found.paths(stroke_width="2")
    by_arm = [item for item in sheet.data["ribbons"] if (item["layer"], item["kind"]) == ("fc1.weight", "parameter")]
    assert y(median[0][1]) == pytest.approx(unpacked(by_arm[0]["quantiles"], "f")[2], abs=0.05)
    assert draw(sheet, "inside.gradient.fc1.weight").svg != draw(sheet, "inside.fc1.weight").svg
    assert read(draw(sheet, "inside").svg).texts == found.texts


def test_hostile_names_are_text():
    sheet = of(hostile(), arm=HOSTILE[0])
    for name, svg in every(sheet).items():
        assert {node.tag.rpartition("}")[2] for node in read(svg).root.iter()} <= {
            "svg",
            "rect",
            "path",
            "circle",
            "text",
        }
        assert "\u202e" not in svg, name
    assert HOSTILE[0][:12] in read(draw(sheet, "effects").svg).said()


def test_colours_and_dashes_are_the_pages():
    code = (WEB / "colour.ts").read_text(encoding="utf-8")
    style = (WEB / "page.css").read_text(encoding="utf-8")
    for name, table in (("CATEGORIES", CATEGORIES), ("RAMP", RAMP)):
        block = re.search(rf"const {name} = {{(.*?)}};", code, re.DOTALL)[1]
        for theme in ("light", "dark"):
            assert re.findall(r'"(#\w+)"', re.search(rf"{theme}: \[(.*?)\]", block)[1]) == list(table[theme])
    assert re.search(r"const REST = \{(.*?)\}", code)[1].split('"')[1::2] == [REST["light"], REST["dark"]]
    dashes = re.search(r"DASHES: number\[\]\[\] = \[(.*?)\];", code)[1]
    assert [tuple(map(int, re.findall(r"\d+", one))) for one in re.findall(r"\[(.*?)\]", dashes)] == list(DASHES)
    for theme, rule in ((LIGHT, r":root \{(.*?)\}"), (DARK, r'data-theme="dark"\] \{(.*?)\}')):
        known = dict(re.findall(r"--(\w+): (#\w+);", re.search(rule, style, re.DOTALL)[1]))
        assert {name: known[name] for name in ("ink", "soft", "line", "grid", "good", "bad")} == {
            name: getattr(theme, name) for name in ("ink", "soft", "line", "grid", "good", "bad")
        }
        assert known["paper"] == theme.paper


def test_arms_differ_without_colour():
    looks = themes.looks(["a", "b", "c", "d", "e", "f"], None, [], "light")
    assert len({look.dash for look in looks}) == 6
    ramp = themes.looks([*"abcdefgh"], [n / 10 for n in range(8)], [], "light")

    def grey(look):
        return sum(w * int(look.colour[at : at + 2], 16) for w, at in ((0.3, 1), (0.59, 3), (0.11, 5)))

    greys = [grey(look) for look in ramp]
    assert greys == sorted(greys)


def test_every_panel_of_the_page_has_a_figure_or_a_reason():
    listed_there = re.search(r"panels: Panel\[\] = \[(.*?)\]", (WEB / "panels.ts").read_text(encoding="utf-8"))[1]
    panels = {name.strip() for name in listed_there.split(",")}
    drawn = {kind.panel for kind in KINDS}
    assert panels == drawn | set(WITHOUT)
    assert not drawn & set(WITHOUT)
    for lang in ("en", "ja"):
        assert all(f"figure.{kind.name}" in texts(lang) for kind in KINDS)
        assert all(f"figure.none.{panel}" in texts(lang) for panel in WITHOUT)


def test_what_is_missing_is_said():
    planned = source(("a", "b"), seeds=1, epochs=0, state="planned").record
    sheet = of(planned)
    assert all(one.why for one in listed(sheet))
    with pytest.raises(
        UserError, match=r"'answer' cannot be drawn: no seed is finished in both .* 0 of 2 runs are done"
    ):
        draw(sheet, "answer")
    failed = of(source(("a", "b"), seeds=2, epochs=3, state="failed", reason="NaN").record)
    assert [one.name for one in listed(failed) if not one.why and not one.part] == ["curves"]
    assert "4 failed" in listed(failed)[0].why
    with pytest.raises(UserError, match="more than a drop rate"):
        draw(of(two()), "doses")
    sheet = of(two())
    for name, said in (
        ("anwser", "did you mean 'answer'"),
        ("when.val_los", r"near it are when\.val_loss"),
        ("runs", "panel 'runs' of the page has no figure"),
        ("curves.nothing at all", "droplab figure DIR"),
    ):
        with pytest.raises(UserError, match=said):
            draw(sheet, name)
    for wide in ("85", "5mm", "9999px", "wide"):
        with pytest.raises(UserError, match=r"width|mm"):
            draw(sheet, "answer", width=wide)


def test_same_bytes_each_time_and_another_ground():
    assert every(of(doses())) == every(of(doses()))
    sheet = of(two())
    assert f'fill="{LIGHT.paper}"/>' in draw(sheet, "when").svg
    dark = draw(sheet, "when", DARK).svg
    assert f'fill="{DARK.paper}"/>' in dark
    assert LIGHT.ink not in dark
    assert 'width="85mm"' in draw(sheet, "when", width="85mm").svg
    assert 'width="500"' in draw(sheet, "when", width="500px").svg


def test_other_forms_want_a_package_and_say_which(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    figure = Figure("x", draw(of(two()), "slopes").svg)
    for form in ("png", "pdf"):
        with pytest.raises(FailureError, match=r"pip install 'droplab\[figures\]'"):
            figure.save(tmp_path / f"x.{form}")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match=r"no form 'jpg' of figures; there are svg, png, pdf"):
        figure.save(tmp_path / "x.jpg")
    for name in ("x.svg", "x"):
        assert figure.save(tmp_path / name).read_text(encoding="utf-8") == figure._repr_svg_()


def test_figures_of_tensors_named_in_japanese_have_files_of_their_own(monkeypatch, tmp_path, capsys):
    record = doses()
    names = {"fc1.weight": "層/上.weight", "fc1.bias": "層/下.weight"}
    found = {
        key: {epoch: tuple(replace(one, layer=names[one.layer]) for one in items) for epoch, items in by_epoch.items()}
        for key, by_epoch in spread(record).items()
    }
    monkeypatch.setattr("droplab.ledger.read_experiment", lambda _: record)
    monkeypatch.setattr("droplab.report.figures.sheet_of", lambda *_, **__: of(record, histograms=found))
    for name in names.values():
        main(["figure", str(tmp_path), f"inside.{name}"])
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        "inside.層-上.weight.svg",
        "inside.層-下.weight.svg",
    }


def test_png_and_pdf(tmp_path):
    pytest.importorskip("typst")
    figure = draw(of(two(), "ja"), "when", width="85mm")
    assert figure.bytes("pdf") == figure.bytes("pdf")
    assert figure.bytes("pdf").startswith(b"%PDF")
    png = figure.save(tmp_path / "x.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20], "big") == pytest.approx(85 / 25.4 * 300, abs=2)


def test_the_command(finished, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("DROPLAB_LANG", "en")
    folder = str(finished.folder)
    main(["figure", folder])
    told = capsys.readouterr().out
    assert re.search(r"^answer +the decision", told, re.MULTILINE)
    assert re.search(r"^when\.val_loss", told, re.MULTILINE)
    assert re.search(r"^… and \d+ more: --list$", told, re.MULTILINE)
    assert "curves.lr" not in told
    assert "not here: doses: the arms differ" in told
    assert "no figure of the page's panel runs: a table" in told
    main(["figure", folder, "--list", "--lang", "ja"])
    assert re.search(r"^curves\.lr +学習率$", capsys.readouterr().out, re.MULTILINE)
    out = tmp_path / "a.svg"
    main(["figure", folder, "when.val_loss", "--out", str(out), "--width", "85mm", "--lang", "ja"])
    assert capsys.readouterr().out.strip() == str(out)
    assert "学習を終えるエポック" in out.read_text(encoding="utf-8")
    for wrong, said in (
        (["when", "--out", str(out)], "exists already"),
        (["wehn"], "did you mean 'when'"),
        (["--out", str(out)], "name the figure"),
        (["answer", "--arm", "no dropout"], "is the baseline"),
        (["doses", "--lang", "ja"], "描けません"),
    ):
        with pytest.raises(SystemExit) as end:
            main(["figure", folder, *wrong])
        assert end.value.code == 2
        assert said in capsys.readouterr().err
    shown = finished.figure("inside", lang="ja")
    assert read(shown._repr_svg_()).said()


def test_the_page_without_a_script_shows_the_same_pictures():
    given = source(("none", "low", "high"), seeds=4, epochs=30)
    text = build_page(given, "ja")
    plain = re.search(r"<noscript>(.*?)</noscript>", text, re.DOTALL)[1]
    sheet = of(given.record, "ja")
    for name in ("answer", "slopes", "doses", "when", "curves.val_loss"):
        assert draw(sheet, name, PAGE, "600px").svg in plain, name
    assert draw(sheet, "effects", PAGE, "600px").svg in plain or "droplab figure DIR effects</code>" in plain
    assert "droplab figure DIR curves</code>" in plain
    assert sum(map(len, re.findall(r"<svg.*?</svg>", plain, re.DOTALL))) <= SHARE * len(text)
    used = set(re.findall(r"var\((--a\d+)\)", plain))
    assert used
    assert all(plain.count(f"{name}:#") == 2 for name in used)  # light and dark
    assert "検証損失" in plain
    bad = build_page(source(HOSTILE, seeds=2, epochs=3))
    assert "<img src=x" not in bad
    assert "<script>window.hacked" not in bad


def test_the_documents_show_todays_figures():
    """Where this fails: python scripts/draw_figures.py, and look at them."""
    for path, text in draw_figures.drawn().items():
        assert text == path.read_text(encoding="utf-8"), path.name


def test_real_fonts_keep_to_their_places(browser):
    """What Chromium measures: no text leaves the canvas, none lies over another."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    for record in (two(), doses(), hostile()):
        for lang in ("en", "ja"):
            for name, svg in every(of(record, lang), "85mm").items():
                page.set_content(svg)
                wrong = page.evaluate(
                    """() => {
                      const box = document.querySelector('svg').viewBox.baseVal;
                      const all = [...document.querySelectorAll('text')].map(one => [one.textContent, one.getBBox()]);
                      const out = all.filter(([, b]) => b.x < 0 || b.x + b.width > box.width || b.y < -2);
                      const over = [];
                      all.forEach(([s, a], i) => all.slice(i + 1).forEach(([t, b]) => {
                        const wide = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
                        const [top, low] = [0.2, 0.8].map(share => [a, b].map(one => one.y + share * one.height));
                        if (wide > 1 && Math.min(...low) - Math.max(...top) > 1) over.push([s, t]);
                      }));
                      return [out.map(one => one[0]), over];
                    }"""
                )
                assert wrong == [[], []], (name, lang)
    page.close()

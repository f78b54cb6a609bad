"""Samples of tasks in the page: what is drawn for texts, rows of tables, maps and labels."""

from __future__ import annotations

import base64
import shutil
import zlib

import numpy as np
import pytest
import torch

import droplab
from droplab.comparison import Results
from droplab.contents import Cells, ChangedSamples, Text
from droplab.data import Windows
from droplab.execution.changed_samples import changed_samples
from droplab.execution.drawing import contents, input_of
from droplab.execution.loading import load_data
from droplab.ledger import open_experiment
from droplab.records import RunKey
from droplab.spec import parse_spec
from droplab.tasks import Multilabel, NextToken, Segmentation
from droplab.tasks.sketch import Sketch
from tests.report.test_accessible import AXE
from tests.report.test_accessible import found as grave
from tests.report.test_page import data_of

WORDS = ("<b>", "so ", "&", "on")


def stream():
    tokens = np.random.default_rng(0).choice(4, 1500, p=[0.1, 0.2, 0.3, 0.4])
    return {"train": Windows(tokens, 12), "vocabulary": WORDS}


def shapes(size=30):
    draw = torch.Generator().manual_seed(0)
    images = torch.rand(size, 1, 8, 8, generator=draw)
    return images, (images[:, 0] > 0.6).long()


def table(path):
    draw = np.random.default_rng(0)
    rows = [
        f"{at},{draw.uniform(30, 200):.1f},{draw.choice(['Kyoto', 'Oslo', ''])},{draw.normal():.3f}" for at in range(90)
    ]
    path.write_text("\n".join(["id,area,<i>town,price", *rows]), encoding="utf-8")
    return {"name": str(path), "options": {"target": "price", "drop": ["id"]}}


def trained(folder, task, model, data, seeds=1, rates=(0.5,)):
    """Two arms, or one for each rate."""
    values = {
        "name": "small",
        "task": task,
        "model": model,
        "data": data,
        "recipe": {"epochs": 1, "batch_size": 16, "precision": "float32", "watch_every": 0, "lr": 0.01},
        "compute": {"executor": "serial", "threads": 1},
        "arms": [{"name": "none"}, *({"name": "half" if p == 0.5 else str(p), "p": p} for p in rates)],
        "seeds": seeds,
    }
    return droplab.compare(values, out=folder)


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> Results:
    gpt = {"name": "gpt", "options": {"width": 16, "depth": 1, "heads": 2}}
    data = {"name": "tests.report.test_samples:stream"}
    return trained(tmp_path_factory.mktemp("text"), {"name": "next-token", "vocabulary": 4}, gpt, data)


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> Results:
    home = tmp_path_factory.mktemp("rows")
    mlp = {"name": "mlp", "options": {"hidden": [16]}}
    return trained(home / "x", "regression", mlp, table(home / "houses.csv"), seeds=2)


def found(results) -> ChangedSamples:
    with open_experiment(results.folder) as ledger:
        return changed_samples(ledger, results.record)


def test_samples_are_those_whose_mean_loss_over_seeds_changed_most(rows):
    changed = found(rows)
    assert (changed.seed, list(changed.arms)) == (0, ["half"])
    kept = {key: rows.samples(key.arm, key.seed)[0]["val_loss"] for key in rows.record.runs}
    mean = {arm: np.mean([kept[RunKey(arm, seed)].values for seed in (0, 1)], 0) for arm in ("none", "half")}
    assert np.mean(kept[RunKey("none", 0)].values) == pytest.approx(
        rows.record.runs[RunKey("none", 0)].metrics["val_loss"][-1]
    )
    order = np.argsort(mean["half"] - mean["none"])
    drawn = changed.arms["half"]
    assert [one.place for one in drawn] == [*order[:3], *order[::-1][:3]]
    assert [one.loss_after for one in drawn] == pytest.approx([mean["half"][one.place] for one in drawn])
    spec = parse_spec(rows.record.spec)
    inputs, _ = load_data(spec.data, None, spec.task).validation.take(torch.tensor([one.place for one in drawn]))
    said = rows.model("half", 0)(**inputs).flatten().tolist()
    assert [one.after for one in drawn] == [Cells((("", f"{value:.4g}"),)) for value in said]
    for one in drawn:
        columns = [name for name, _ in one.input.cells]
        assert columns == ["area", "<i>town"]  # as in the file
        assert 30 <= float(one.input.cells[0][1]) <= 200


def test_texts_are_words_of_the_vocabulary_and_say_where_they_are_wrong(text):
    changed = found(text)
    for one in changed.arms["half"]:
        assert one.input is None  # the truth is the same text
        assert isinstance(one.truth, Text)
        assert {piece.strip() for piece, _ in one.truth.pieces} <= {word.strip() for word in WORDS}
        assert not any(wrong for _, wrong in one.truth.pieces)
        for (said, wrong), (truth, _) in zip(one.after.pieces, one.truth.pieces, strict=True):
            assert wrong == (said.strip() != truth.strip())


def test_maps_labels_and_numbers_of_tokens():
    logits = torch.tensor([[[[5.0, 5.0, 0.0]], [[0.0, 0.0, 5.0]]]])
    (sketch,) = Segmentation(ignore_index=255).sketches(logits, torch.tensor([[[0, 255, 0]]]))
    assert sketch == Sketch("map", ((0, -1, 0),), ((0, 0, 1),))
    truth, said = contents(sketch, ())
    assert (truth.width, truth.height, truth.channels) == (3, 1, 3)
    assert truth.data[:3] == truth.data[6:] == said.data[:3] == said.data[3:6] != said.data[6:]
    assert truth.data[3:6] == b"\xff\xff\xff"
    (labels,) = Multilabel().sketches(torch.tensor([[3.0, -3.0, 3.0]]), torch.tensor([[1, 1, 0]]))
    assert contents(labels, ("a", "b", "c")) == (
        Text((("a, ", False), ("b", False))),
        Text((("a, ", False), ("c", True))),
    )
    (none,) = Multilabel().sketches(torch.tensor([[-3.0]]), torch.tensor([[1]]))
    assert contents(none, ("a",))[1] == Text((("–", True),))
    (tokens,) = NextToken(vocabulary=3, ignore_index=-1).sketches(torch.eye(3)[None], torch.tensor([[0, -1, 1]]))
    assert contents(tokens, ())[1] == Text((("0 ", False), ("1 ", False), ("2", True)))
    assert input_of(torch.zeros(2, 3)) is None
    assert input_of(torch.zeros(3, 200, 100)).height == 67


def test_maps_are_drawn_beside_their_image(tmp_path):
    unet = {"name": "unet", "options": {"width": 4, "depth": 1}}
    results = trained(tmp_path, "segmentation", unet, {"name": "tests.report.test_samples:shapes"})
    payload = samples_of(results)
    assert payload["arms"][0]["samples"]
    for one in payload["arms"][0]["samples"]:
        parts = [one[part] for part in ("input", "truth", "before", "after")]
        assert [(part["k"], part["w"], part["h"]) for part in parts] == [("png", 8, 8)] * 4
        raw = base64.b64decode(parts[1]["v"].partition(",")[2])
        lines = zlib.decompress(raw[raw.index(b"IDAT") + 4 : raw.index(b"IEND") - 8])
        assert len(lines) == 8 * (8 * 3 + 1)
    shutil.rmtree(tmp_path / "runs")
    gone = samples_of(results)
    assert (gone["seed"], gone["arms"][0]["samples"][0]["after"]) == (None, None)
    assert gone["arms"][0]["samples"][0]["truth"] == payload["arms"][0]["samples"][0]["truth"]


def samples_of(results) -> dict:
    return data_of(results.write_page().read_text(encoding="utf-8"))["samples"]


def test_a_page_has_room_for_so_much(monkeypatch, text):
    monkeypatch.setattr("droplab.report.samples.MOST_BYTES", 10)
    assert [one["samples"] for one in samples_of(text)["arms"]] == [[]]


def test_the_page_of_a_text_and_of_a_table(show, text, rows):
    for results, (inside, absent) in ((text, ("mark", ".cells")), (rows, (".cells", "mark"))):
        page = show(results.write_page())
        part = page.locator("#samples")
        part.scroll_into_view_if_needed()  # where no curve is seen, and none is drawn anew
        page.set_viewport_size({"width": 390, "height": 844})
        drawn = found(results).arms["half"]
        better = [one.loss_after < one.loss_before for one in drawn]
        assert part.locator(".samples .gain").count() == sum(better) > 0
        assert part.locator(".samples .loss").count() == len(drawn) - sum(better)
        assert part.locator(inside).count() > 0
        assert part.locator(absent).count() == 0
        assert page.locator("#images").count() == 0
        page.wait_for_function("() => document.documentElement.scrollWidth <= 390")
        one = drawn[0]
        card = part.locator(".samples li").first
        assert f"#{one.place + 1}" in card.inner_text()
        shown = card.locator("dd").all_inner_texts()
        if results is text:
            assert shown[0] == "".join(piece for piece, _ in one.truth.pieces).strip()
            assert card.locator("mark").count() == sum(
                wrong for said in (one.before, one.after) for _, wrong in said.pieces
            )
            assert page.locator("#samples b b").count() == 0  # <b> is a word of the text
        else:
            assert one.input.cells[0][1] in shown[0]
            assert one.after.cells[0][1] in shown[3]
        assert page.locator("#samples .hint").last.inner_text().endswith("wrong.") == (results is text)
        assert not AXE.is_file() or grave(page) == []
        page.click("[data-lang=ja]")
        assert page.is_visible("text=最も変わった検証サンプル")
        assert not page.query_selector_all("text=/samples\\.|undefined|NaN|\\[object/")

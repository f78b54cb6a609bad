"""Metrics of any kind, from the ledger to the page and the CSV."""

from __future__ import annotations

import io
import json
import math
import re
import shutil

import numpy as np
import pytest
import torch

from droplab.ledger import Ledger, read_experiment
from droplab.records import Histogram, Measurement, Predictions, RunKey
from droplab.report import write_metrics
from droplab.results import Results
from droplab.testing.sinks import write_ledger

ODD = {
    "inf": math.inf,
    "minus inf": -math.inf,
    "nan": math.nan,
    "bool": True,
    "numpy": np.float32(0.5),
    "numpy int": np.int64(3),
    "tensor": torch.tensor(2.0),
    "bfloat16": torch.tensor(2.0, dtype=torch.bfloat16),
    "huge": 10**400,
    "complex": 1j,
    "tensor of many": torch.ones(2),
    "none": None,
    "text": "x",
}


def test_metrics_that_are_no_plain_numbers(finished, tmp_path):
    shutil.copytree(finished.folder, tmp_path / "x")
    with Ledger.open(tmp_path / "x" / "ledger.sqlite") as ledger:
        for key in ledger.progress():
            for epoch in range(2):
                histograms = (Histogram("parameter", "caf\udce9", -1.7e308, 1.7e308, (0,) * 64),)
                metrics = {**ledger.measurement(key, epoch).metrics, **ODD, "odd name \udce9": 1.0}
                ledger.commit_epoch(key, Measurement(epoch, metrics, histograms))
    run = next(iter(read_experiment(tmp_path / "x").runs.values()))
    assert run.metrics["inf"] == run.metrics["huge"] == (math.inf,) * 2
    assert run.metrics["minus inf"] == (-math.inf,) * 2
    assert [run.metrics[name][0] for name in ("bool", "numpy", "numpy int", "tensor", "bfloat16")] == [1, 0.5, 3, 2, 2]
    assert all(math.isnan(run.metrics[name][0]) for name in ("nan", "complex", "tensor of many", "none", "text"))
    results = Results.read(tmp_path / "x")
    page = results.write_page().read_text(encoding="utf-8")
    raw = re.search(r"<script[^>]*application/json[^>]*>(.*?)</script>", page, re.DOTALL).group(1)
    data = json.loads(raw, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert len(data["runs"]) == 4
    stream = io.StringIO()
    write_metrics(results.record, stream)
    assert re.search(r",inf,inf\r?\n", stream.getvalue())


@pytest.mark.parametrize("classes", [(0, 65_535), (0, 65_536, 70_000)])
def test_predictions_of_any_number_of_classes(tmp_path, classes):
    with write_ledger(tmp_path) as ledger:
        key = RunKey("no dropout", 0)
        predictions = Predictions(classes, (0.5,) * len(classes))
        ledger.commit_epoch(key, Measurement(0, {"val_loss": 1.0}, (), predictions))
        assert ledger.predictions(key) == predictions


def test_predictions_follow_the_last_epoch(tmp_path):
    with write_ledger(tmp_path) as ledger:
        key = RunKey("no dropout", 0)
        for epoch in range(2):
            ledger.commit_epoch(key, Measurement(epoch, {"val_loss": 1.0}, (), Predictions((epoch,), (0.5,))))
        assert ledger.damaged_runs() == {}
        assert ledger.predictions(key) == Predictions((1,), (0.5,))


def test_texts_that_utf8_cannot_hold(tmp_path):
    text = "caf\udce9"
    with write_ledger(tmp_path) as ledger:
        key = RunKey("no dropout", 0)
        ledger.set_state(key, "failed", text)
        ledger.event("note", text=text)
        ledger.set_design("class_names", [text])
        ledger.add_environment({"system": text})
        assert ledger.read().runs[key].reason == "caf\\udce9"
        assert ledger.read().events[-1].detail == {"text": text}
        assert ledger.design()["class_names"] == [text]
        assert ledger.environments() == [{"system": text}]
    with Ledger.open(tmp_path / "ledger.sqlite") as again:
        assert again.read().runs[key].state == "failed"

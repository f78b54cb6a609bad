"""A guest's measures in words, tables and on the page: the ledger says what they are, and nothing guesses."""

from __future__ import annotations

import csv
import io
import re

import pytest
from rich.console import Console

from droplab.analysis import judge
from droplab.cli.progress import PlainProgress
from droplab.cli.runs import runs as list_runs
from droplab.ledger import FILE_NAME, Ledger, read_experiment
from droplab.measures import measures_json
from droplab.records import ChangedImages, Measure, Measurement, RunKey
from droplab.report import (
    LANGUAGES,
    PageSource,
    build_page,
    render,
    report_words,
    wording,
    write_effects,
    write_metrics,
)
from droplab.report.payload import payload
from droplab.testing.sinks import write_ledger
from droplab.tracking.follow import sink_runs

NOISE = (0.0, 0.004, -0.004, 0.002)
RMSE, R2, F1 = Measure("rmse", "lower"), Measure("r2", "higher"), Measure("f1", "higher", "share")
PERPLEXITY = Measure("perplexity", "lower")


def regression(arm, e):
    """Overfits without dropout, less so with it."""
    end, fit = (8000.0, 0.9) if arm == "none" else (6500.0, 0.7)
    yield {"train_rmse": 9000.0 + e, "val_rmse": 9000.0 + e, "fit_r2": 0.1, "val_r2": 0.1}
    yield {"train_rmse": 5000.0 + e, "val_rmse": 6000.0 + e, "fit_r2": 0.5, "val_r2": 0.4}
    yield {"train_rmse": 3000.0 + e, "val_rmse": end + 100 * e, "fit_r2": fit + e, "val_r2": 1 - end / 1e4 - e / 10}


def ranking(arm, e):
    """Higher is better, and only the bare name is reported."""
    top = 0.5 if arm == "none" else 0.6
    for value in (0.2, top + e, top - 0.1 + e):
        yield {"f1": value, "perplexity": 30.0 + e}


def recall(arm, e):
    """As ``ranking``, and the arm is worse in what it costs and in what it should bring."""
    fit, val = (2.0, 3.0) if arm == "none" else (4.0, 5.0)
    yield {"val_perplexity": val + e, "fit_perplexity": fit + e, "val_f1": val / 10 + e, "fit_f1": 0.5}


CASES = {
    "regression": ((RMSE, R2), regression),
    "ranking": ((F1, PERPLEXITY), ranking),
    "recall": ((F1, PERPLEXITY), recall),
}


def write(folder, case, arms=("none", "half")):
    """A ledger as a guest's loop leaves it: no data set, no model, no speed; only what it reported."""
    measures, epochs = CASES[case]
    seeds = range(len(NOISE))
    length = len(list(epochs(arms[0], 0.0)))
    spec = {
        "name": case,
        "arms": [{"name": arm} for arm in arms],
        "baseline": "",
        "seeds": list(seeds),
        "recipe": {"epochs": length},
    }
    design = {"spec": spec, "plan": {}, "sizes": {}, "measures": measures_json(measures)}
    keys = [RunKey(arm, seed) for seed in seeds for arm in arms]
    folder.mkdir(parents=True, exist_ok=True)
    with Ledger.create(folder / FILE_NAME, design, keys) as ledger:
        for key in keys:
            for epoch, metrics in enumerate(epochs(key.arm, NOISE[key.seed])):
                ledger.commit_epoch(key, Measurement(epoch, metrics))
            ledger.set_state(key, "done")
    return read_experiment(folder)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("case", CASES)
def test_every_measure_has_its_name_and_nothing_of_the_house_is_said(tmp_path, case, lang):
    record = write(tmp_path, case)
    text = render(judge(record), record, lang)
    for measure in record.measures:
        assert measure.name in text
    assert not re.search(r"accuracy|\bloss\b|acc %|精度|損失|\{|nan", text), text


def test_a_regression_in_english(tmp_path):
    record = write(tmp_path, "regression")
    said = wording(judge(record), record)
    assert said.title == "regression: 2 arms × 4 seeds, 3 epochs"
    assert said.advice == (
        'Use "half": compared with "none", its final validation rmse is lower by 1500 and its final validation r2 is '
        "higher by 0.15."
    )
    assert [finding.heading for finding in said.findings] == [
        '1. Does "none" overfit?',
        "2. What does it cost? (expected of dropout: lower training r2, later turning epoch)",
        "3. Does it generalise better? (hoped for: lower rmse, higher r2, smaller gap)",
    ]
    rows = [(row.name, row.mean, row.status) for f in said.findings for group in f.groups for row in group.rows]
    assert rows == [
        ("rise of validation rmse after the turning point", "+2000", "yes, it overfits"),
        ("training r2 (eval mode)", "-0.2", "cost"),
        ("turning epoch", "+0.0", "no difference in any seed"),
        ("validation rmse", "-1500", "better"),
        ("validation r2", "+0.15", "better"),
        ("generalisation gap (training rmse as trained)", "-1500", "better"),
    ]
    assert said.arms[0][2:] == ("train r2", "val rmse", "val r2", "gap", "turning epoch", "lowest val rmse", "r2 there")
    assert 'with "half"' not in said.beside[-1]
    assert 'There the mean rmse of "half" is not lower than that of "none".' in said.beside[-1]
    assert any("training rmse as trained, with dropout on" in note for note in said.notes)


def test_a_regression_in_japanese(tmp_path):
    record = write(tmp_path, "regression")
    said = wording(judge(record), record, "ja")
    assert "最終エポックの検証 rmse が 1500 低くなっています" in said.advice
    assert said.findings[1].heading == "2. 代償は何か（ドロップアウトで予想されること：訓練 r2 の低下、転換点の遅れ）"
    assert said.findings[0].groups[0].rows[0].name == "転換点以後の検証 rmse の上昇"
    assert said.arms[0][2:5] == ("訓練 r2", "検証 rmse", "検証 r2")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_names_of_arms_are_text_and_nothing_else(tmp_path, lang):
    arm = "a  b ： {measure}"
    verdict = judge(record := write(tmp_path, "ranking", ("none", arm)))
    said = wording(verdict, record, lang)
    assert all(arm in text for text in (said.advice, said.beside[-1]))


def test_where_higher_is_better(tmp_path):
    record = write(tmp_path, "ranking")
    verdict = judge(record)
    said = wording(verdict, record)
    assert "its final validation f1 is higher by 10.00 pp." in said.advice
    assert [finding.heading[0] for finding in said.findings] == ["3"]
    assert "(each run at its highest validation f1;" in said.beside[-1]
    assert '"half" f1 60.1 ± 0.3 %, perplexity 30 ±' in said.beside[-1]
    assert 'There the mean f1 of "half" is higher than that of "none".' in said.beside[-1]
    assert said.arms[0][2:] == ("val f1 %", "val perplexity", "best epoch", "highest val f1 %", "perplexity there")
    assert not any("turning point" in note for note in said.notes)
    assert any('"best epoch", "highest val f1 %", "perplexity there"' in note for note in said.notes)


def test_a_higher_training_perplexity_is_a_cost_and_underfitting(tmp_path):
    record = write(tmp_path, "recall")
    verdict = judge(record)
    assert verdict.underfits == ("half",)
    said = wording(verdict, record)
    assert said.underfits[0].startswith('"half" underfits: its training perplexity is higher')
    assert "(expected of dropout: higher training perplexity)" in said.findings[0].heading
    turned = write(tmp_path / "turned", "recall", ("half", "none"))
    rows = [row for f in wording(judge(turned), turned).findings for group in f.groups for row in group.rows]
    assert rows[0].status == "no cost: lower"


def test_tables_and_csv_have_what_was_reported(tmp_path, capsys):
    record = write(tmp_path, "regression")
    stream = io.StringIO()
    write_metrics(record, stream)
    assert {row["metric"] for row in csv.DictReader(io.StringIO(stream.getvalue()))} == {
        "train_rmse",
        "val_rmse",
        "fit_r2",
        "val_r2",
    }
    stream = io.StringIO()
    write_effects(judge(record), stream)
    found = {row["endpoint"]: row for row in csv.DictReader(io.StringIO(stream.getvalue()))}
    assert list(found) == ["overfits", "fit_r2", "turning_epoch", "val_rmse", "val_r2", "gap"]
    assert (found["val_rmse"]["status"], found["fit_r2"]["consequence"]) == ("supported", "cost")
    list_runs(tmp_path)
    shown = capsys.readouterr().out
    assert "val rmse" in shown
    assert "val r2" in shown
    assert "gap" not in shown
    assert "6500.0000" in shown


def test_progress_and_sinks_are_told_the_measures(tmp_path):
    record = write(tmp_path, "ranking")
    console = Console(file=io.StringIO(), width=200)
    progress = PlainProgress(console)
    plan = {"executor": "serial", "workers": 1, "threads": 1, "precision": "float32", "device": "cpu"}
    progress.opened(record, plan, "x")
    progress.epoch(RunKey("half", 0), Measurement(0, {"f1": 0.5, "lr": 0.1}))
    assert "epoch 1/3  val f1 0.5000  left" in console.file.getvalue()
    with Ledger.open(tmp_path / FILE_NAME) as ledger:
        assert {run.measures for run in sink_runs(ledger).values()} == {(F1, PERPLEXITY)}
    with write_ledger(tmp_path / "house") as ledger:
        assert [measure.name for run in sink_runs(ledger).values() for measure in run.measures][:2] == [
            "loss",
            "accuracy",
        ]


def test_the_words_of_a_curves_report():
    words = report_words((RMSE, R2), "en")
    assert words["val_rmse"] == words["rmse"] == "validation rmse"
    assert words["curves_text"].endswith("validation rmse minus training rmse in eval mode.")
    assert report_words((RMSE,), "ja")["fit_rmse"] == "訓練 rmse（評価モード）"


def page_of(record):
    return PageSource(record, judge(record), "2026-01-01T00:00:00", 4, [{}], {}, {}, ChangedImages({}, "no images"))


def test_the_page_is_told_what_stands_first(tmp_path):
    data = payload(page_of(write(tmp_path / "a", "regression")), "en")
    assert data["measures"] == {
        "first": [
            *("val_rmse", "rmse", "val_r2", "r2", "gap"),
            *("fit_rmse", "fit_r2", "train_rmse", "train_r2"),
        ],
        "drawn": ["val_rmse", "rmse", "val_r2", "r2", "gap", "fit_rmse", "fit_r2", "train_rmse"],
        "columns": ["val_rmse", "val_r2", "fit_r2", "gap"],
        "best": "val_rmse",
        "better": "lower",
        "units": {f"{part}{name}": "" for part in ("", "train_", "fit_", "val_") for name in ("rmse", "r2")},
    }
    assert "gap" in data["runs"][0]["metrics"]
    words = data["words"]["ja"]
    assert (words["metric.train_rmse"], words["table.best"]) == ("訓練 rmse（学習中）", "最小検証 rmse")
    data = payload(page_of(write(tmp_path / "b", "ranking")), "en")
    assert (data["measures"]["best"], data["measures"]["better"]) == ("f1", "higher")
    assert data["measures"]["columns"] == ["f1", "perplexity"]
    assert [line["unit"] for line in data["stops"]["lines"]] == ["share", "share", ""]
    assert build_page(page_of(write(tmp_path / "c", "ranking")))

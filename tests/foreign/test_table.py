"""What a table's columns, rows and blanks mean."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import droplab
from droplab.errors import UserError
from droplab.records import RunKey
from droplab.report import write_metrics
from tests.analysis.sequences import experiment

LOSSES = {"a": (0.9, 0.512345, 0.7, 0.8), "b": (0.8, 0.412345, 0.6, 0.7)}


def frame(**columns) -> pd.DataFrame:
    """Two arms, three seeds, four epochs."""
    rows = [
        {"model": arm, "seed": seed, "epoch": epoch, "val_loss": loss + 0.01 * math.sin(seed + ord(arm))}
        for arm, losses in LOSSES.items()
        for seed in range(3)
        for epoch, loss in enumerate(losses)
    ]
    return pd.DataFrame(rows).assign(**columns)


def judged(table, measure="val_loss", **more):
    return droplab.judge(table, **{"arm": "model", "measure": measure} | more)


def test_the_measure_is_the_column_that_was_named():
    table = frame()
    wanted = judged(table).verdict.primary.of("b").mean
    for other in ("val/loss", "loss", "train_loss"):
        found = judged(table.assign(**{other: np.arange(len(table)) / 7}))
        assert found.verdict.primary.of("b").mean == wanted
    renamed = table.rename(columns={"val_loss": "eval_loss"}).assign(val_loss=np.arange(len(table)) / 7)
    assert judged(renamed, "eval_loss").verdict.primary.of("b").mean == wanted


def test_epochs_are_in_order_whatever_the_rows_are():
    ours, theirs = judged(frame()), judged(frame().iloc[::-1], baseline="a")
    assert [ours.record.runs[key] for key in ours.record.runs] == [theirs.record.runs[key] for key in ours.record.runs]


@pytest.mark.parametrize("written", ["frame", "blank", "nan"])
def test_a_run_whose_figure_ends_while_it_goes_on_has_diverged(written, tmp_path):
    table = frame(lr=0.1)
    table.loc[(table.model == "b") & (table.seed == 1) & (table.epoch > 1), "val_loss"] = math.nan
    path = tmp_path / "runs.csv"
    table.to_csv(path, index=False, na_rep="nan" if written == "nan" else "")
    found = judged(table if written == "frame" else path)
    assert found.record.runs[RunKey("b", 1)].reason == "its last val_loss is nan"
    assert found.verdict.primary.of("b").says == "undecided"


@pytest.mark.parametrize("missing", [math.nan, None, pd.NA])
def test_rows_between_those_that_measured_are_no_divergence(missing):
    table = frame()
    between = table.assign(epoch=table.epoch + 0.5, val_loss=missing, lr=0.1)
    found = judged(pd.concat([table.astype(object), between.astype(object)]))
    assert found.record.runs == judged(table).record.runs


def test_figures_that_were_rounded_are_no_certainty():
    table = {"model": list("aaabbb"), "seed": [0, 1, 2] * 2, "rmse": [0.51, 0.52, 0.53, 0.50, 0.51, 0.52]}
    found = judged(table, "rmse")
    assert found.verdict.primary.of("b").says == "undecided"
    assert "Figures of rmse are rounded to 0.01" in " ".join(found.text().split())
    clear = judged(table | {"rmse": [0.51, 0.52, 0.53, 0.40, 0.41, 0.42]}, "rmse")
    assert clear.verdict.primary.of("b").says == "better"
    longer = droplab.judge(frame().round({"val_loss": 1}), arm="model", measure="val_loss")
    assert longer.record.rounded == {"loss": 0.1}
    assert judged(frame()).record.rounded == {}


def test_a_direction_that_nobody_named_is_said():
    table = frame().rename(columns={"val_loss": "churn"})
    for lang, told in (("en", "lower churn is taken as better"), ("ja", "指定がないため、churn は小さいほど良い")):
        assert "".join(told.split()) in "".join(judged(table, "churn").text(lang).split())
    assert not judged(table, "churn:lower").record.notices
    assert not judged(frame()).record.notices


def test_seeds_that_change_nothing_in_one_arm_are_told():
    table = frame()
    table.loc[table.model == "a", "val_loss"] = np.tile(LOSSES["a"], 3) + 1e-8
    assert '"a": all seeds gave the very same numbers' in " ".join(judged(table).text().split())


def test_a_long_table_is_read_by_the_columns_that_are_named():
    table = pd.concat([frame().assign(lr=0.1), frame().assign(lr=0.2, val_loss=lambda of: of.val_loss + 1)])
    long = table.melt(["model", "lr", "seed", "epoch"], ["val_loss"], "metric")
    with pytest.raises(UserError, match=r"the same arm and seed have epoch twice; .*--arm COLUMN,COLUMN"):
        judged(long)
    assert judged(long, arm="model,lr").verdict.effects == judged(table, arm="model,lr").verdict.effects


def test_our_own_export_tells_what_became_of_its_runs():
    made = experiment([[0.51, 0.52, 0.53, 0.54], [0.31, 0.32, 0.33, 0.34]])
    lost, left = RunKey("a1", 1), RunKey("a1", 3)
    runs = {
        **made.runs,
        lost: replace(made.runs[lost], state="failed", epochs_done=0, metrics={}),
        left: replace(made.runs[left], state="interrupted"),
    }
    stream = io.StringIO()
    write_metrics(replace(made, runs=runs), stream)
    found = judged(pd.read_csv(io.StringIO(stream.getvalue())), arm="")
    assert found.record.seeds == (0, 1, 2)
    assert found.verdict.primary.of("a1").failures.count == 1
    assert found.verdict.recommended == "base"


def test_columns_that_come_twice():
    table = frame()
    with pytest.raises(UserError, match="two columns 'seed'"):
        judged(pd.concat([table, table.seed], axis=1))

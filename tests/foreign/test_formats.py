"""The same runs as a table, TensorBoard, MLflow, W&B, trainer states and Lightning's logs give the ledger's verdict."""

from __future__ import annotations

import csv
import json
import struct
from dataclasses import replace

import pandas as pd
import pytest

import droplab
from droplab.analysis import Plan, written
from droplab.errors import UserError
from droplab.foreign.wandb_offline import _raw
from droplab.ledger import read_experiment
from droplab.report import write_metrics
from droplab.tracking import mirror
from tests.foreign.files import ARMS, EPOCHS, SEEDS, curves, ledger, rows, same

EXACT, FLOAT32 = 1e-12, 1e-5
MEASURES = ("val_loss", "val_accuracy:higher")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A ledger, and what the sinks' own libraries wrote of it."""
    home = tmp_path_factory.mktemp("foreign")
    ledger(home).close()
    return home


@pytest.fixture(scope="module")
def wanted(folder):
    """The ledger's own verdict, asked the same: sizes of parts are not known elsewhere."""
    record = replace(read_experiment(folder), endpoints=written(Plan((SEEDS,))), sizes={})
    return droplab.judge(record)


def check(found, wanted, tolerance=EXACT):
    """Equal answers, intervals and effects; arms by their place, as names differ between tools."""
    verdict = found.verdict
    assert len(found.record.arms) == len(ARMS)
    assert verdict.primary.end.name == "best_epoch"
    (ours,), (theirs,) = verdict.primary.answers, wanted.primary.answers
    assert (ours.says, ours.seeds) == (theirs.says, theirs.seeds) == ("better", (0, 1, 2, 3))
    for one, other in zip(verdict.effects, wanted.effects, strict=True):
        assert (one.endpoint, one.status, one.measure) == (other.endpoint, other.status, other.measure)
        pairs = ((one.mean, other.mean), (one.adjusted_low, other.adjusted_low), (one.p, other.p))
        assert all(same(a, b, tolerance * 100) for a, b in pairs), one.endpoint


def test_a_data_frame(wanted):
    check(droplab.judge(pd.DataFrame(rows()), arm="model", measure=MEASURES), wanted)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_file(wanted, tmp_path, separator):
    path = tmp_path / "runs.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, list(rows()[0]), delimiter=separator)
        writer.writeheader()
        writer.writerows(rows())
    check(droplab.judge(path, arm="model", measure=MEASURES), wanted)


def test_our_own_export(folder, wanted, tmp_path):
    with (tmp_path / "metrics.csv").open("w", encoding="utf-8") as file:
        write_metrics(read_experiment(folder), file)
    check(droplab.judge(tmp_path / "metrics.csv", measure=MEASURES), wanted)


def test_our_own_export_has_the_folds(tmp_path):
    folds = {"val_loss": tuple(((v * 2, 2.0), (v * 3 + 0.1, 3.0)) for v in (1.0, 0.5, 0.9))}
    made = droplab.judge(pd.DataFrame(rows()).query("epoch <= 3"), arm="model", measure=MEASURES).record
    made = replace(made, runs={key: replace(run, folds=folds) for key, run in made.runs.items()})
    with (tmp_path / "metrics.csv").open("w", encoding="utf-8") as file:
        write_metrics(made, file)
    found = droplab.judge(tmp_path / "metrics.csv", measure=MEASURES)
    assert {key: run.folds for key, run in found.record.runs.items()} == dict.fromkeys(made.runs, folds)
    assert found.verdict.primary.end.name == "as_deployed"


def test_tensorboard(folder, wanted):
    mirror(folder, "tensorboard")
    check(droplab.judge(folder / "tracking" / "tensorboard", measure=MEASURES, baseline=ARMS[0]), wanted, FLOAT32)


def test_tensorboard_of_torch_with_hparams(wanted, tmp_path):
    from torch.utils.tensorboard import SummaryWriter

    for (arm, seed), of in curves().items():
        with SummaryWriter(str(tmp_path / f"{arm}_seed{seed}")) as writer:
            for name, values in of.items():
                for epoch, value in enumerate(values):
                    writer.add_scalar(name.replace("_", "/", 1), value, epoch)
            writer.add_hparams({"p": ARMS.index(arm) / 2, "seed": seed}, {"best": min(of["val_loss"])}, run_name="hp")
    found = droplab.judge(tmp_path, measure=("val/loss", "val/accuracy:higher"), baseline="p=0.0")
    check(found, wanted, FLOAT32)


@pytest.mark.filterwarnings("ignore:.*loader strategy is deprecated")  # MLflow's own use of SQLAlchemy
def test_mlflow(folder, wanted):
    mirror(folder, "mlflow")
    found = droplab.judge(folder / "tracking", measure=MEASURES, baseline=ARMS[0])
    check(found, wanted)
    with pytest.raises(UserError, match=r"two runs are contract \w+ · seed 0"):
        droplab.judge(folder / "tracking", measure=MEASURES, arm="experiment")


def test_wandb_offline(folder, wanted, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    mirror(folder, "wandb")
    check(droplab.judge(folder / "tracking", measure=MEASURES, baseline=ARMS[0]), wanted)


def test_a_file_of_wandbs_that_was_cut_off_by_a_kill():
    whole = b"header." + b"".join(struct.pack("<IHB", 0, len(part), 1) + part for part in (b"first", b"second"))
    assert list(_raw(whole)) == [b"first", b"second"]
    assert list(_raw(whole[:-2])) == list(_raw(whole[:-8])) == [b"first"]


def test_trainer_states(wanted, tmp_path):
    """As transformers 5 writes them: evaluations between the training's own entries, one state per checkpoint."""
    for (arm, seed), of in curves().items():
        history = []
        for epoch in range(EPOCHS):
            step = 10 * (epoch + 1)
            history.append({"epoch": epoch + 1.0, "step": step, "loss": 1.0, "learning_rate": 1e-4, "grad_norm": 0.1})
            figures = {name: values[epoch] for name, values in of.items()}
            history.append({"epoch": epoch + 1.0, "step": step, "eval_runtime": 1.0, **figures})
            place = tmp_path / arm / f"seed-{seed}" / f"checkpoint-{step}"
            place.mkdir(parents=True)
            state = {"global_step": step, "epoch": epoch + 1.0, "log_history": history, "trial_params": None}
            (place / "trainer_state.json").write_text(json.dumps(state), encoding="utf-8")
    found = droplab.judge(tmp_path, measure=MEASURES, baseline=ARMS[0])
    check(found, wanted)
    assert set(found.record.arms) == set(ARMS)


def test_lightning_logs(wanted, tmp_path):
    """As lightning's CSVLogger writes them: a row for each call, blank where another one logged."""
    for number, ((arm, seed), of) in enumerate(curves().items()):
        place = tmp_path / "lightning_logs" / f"version_{number}"
        place.mkdir(parents=True)
        (place / "hparams.yaml").write_text(f"p: {ARMS.index(arm) / 2}\nseed: {seed}\n", encoding="utf-8")
        with (place / "metrics.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["epoch", "step", "train_step", *of])
            writer.writeheader()
            for epoch in range(EPOCHS):
                writer.writerow({"epoch": epoch, "step": 10 * epoch, "train_step": 0.5})
                writer.writerow({"epoch": epoch, "step": 10 * epoch + 9} | {name: of[name][epoch] for name in of})
    found = droplab.judge(tmp_path, measure=MEASURES)
    check(found, wanted)
    assert found.record.arms == ("p=0.0", "p=0.5")


def test_what_is_our_own_is_told_from_what_is_not(folder, tmp_path):
    with pytest.raises(UserError, match=r"droplab's own; `droplab verdict .*` judges it"):
        droplab.judge(folder, measure="val_loss")
    with (tmp_path / "metrics.csv").open("w", encoding="utf-8") as file:
        write_metrics(read_experiment(folder), file)
    with pytest.raises(UserError, match="judge the file itself"):
        droplab.judge(tmp_path, measure="val_loss")


def test_a_folder_of_nothing(tmp_path):
    with pytest.raises(UserError, match="holds nothing that can be judged; a CSV file, an MLflow store"):
        droplab.judge(tmp_path, measure="loss")
    with pytest.raises(UserError, match="nothing at"):
        droplab.judge(tmp_path / "gone", measure="loss")

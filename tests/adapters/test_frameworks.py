"""Real small models, trained by the frameworks themselves; ``make test-all`` installs them."""

from __future__ import annotations

import importlib

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

import droplab
from droplab.tracking import own_runs
from tests.training.asking import compared

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("default"),  # theirs
]
DRAWN = torch.Generator().manual_seed(0)
X = torch.randn(48, 4, generator=DRAWN)
Y = X[:, :1].sin()
ARMS = [0, {"name": "ramp", "p": 0.5, "schedule": "linear"}]


class Pairs(Dataset):
    """As a framework wants its samples."""

    def __init__(self, first, last, form):
        self._range, self._form = range(first, last), form

    def __len__(self):
        return len(self._range)

    def __getitem__(self, index):
        return self._form(X[self._range[index]], Y[self._range[index]])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.drop, self.last = nn.Linear(4, 16), nn.Dropout(0.1), nn.Linear(16, 1)

    def forward(self, x):
        return self.last(self.drop(self.first(x).relu()))


class WithLoss(Net):
    """As Hugging Face's models are."""

    def forward(self, x, labels=None):
        found = super().forward(x)
        return {"loss": F.mse_loss(found, labels), "logits": found}


def huggingface(run, tmp_path, stop_after, logs=False):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed (make test-all)")
    from droplab.adapters.huggingface import attach, model_init

    class Kill(transformers.TrainerCallback):
        def on_epoch_end(self, args, state, control, **_):
            stop_after(state.epoch)

    def form(x, y):
        return {"x": x, "labels": y}

    trainer = transformers.Trainer(
        args=transformers.TrainingArguments(
            output_dir=str(tmp_path / "hf"),
            num_train_epochs=3,
            per_device_train_batch_size=8,
            eval_strategy="epoch",
            save_strategy="no",
            report_to=["mlflow", "tensorboard"] if logs else [],
            use_cpu=True,
            disable_tqdm=True,
            remove_unused_columns=False,
        ),
        model_init=model_init(run, WithLoss),
        train_dataset=Pairs(0, 32, form),
        eval_dataset=Pairs(32, 48, form),
        compute_metrics=lambda given: {"mae": float(abs(given.predictions - given.label_ids).mean())},
        callbacks=[Kill()],
    )
    attach(run, trainer)
    trainer.train()
    return [entry for entry in trainer.state.log_history if "p/drop" in entry]


def lightning(run, tmp_path, stop_after, logs=False):
    pl = pytest.importorskip("pytorch_lightning", reason="pytorch-lightning is not installed (make test-all)")
    from droplab.adapters.lightning import DroplabCallback

    class Module(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = run.prepare(Net)

        def training_step(self, batch, _):
            return F.mse_loss(self.net(batch[0]), batch[1])

        def validation_step(self, batch, _):
            found = self.net(batch[0])
            self.log_dict({"val_loss": F.mse_loss(found, batch[1]), "val_mae": F.l1_loss(found, batch[1])})

        def configure_optimizers(self):
            return torch.optim.AdamW(self.parameters(), lr=1e-2)

        def on_train_epoch_end(self):
            stop_after(self.current_epoch + 1)

    def form(x, y):
        return x, y

    loggers = pl.loggers.MLFlowLogger, pl.loggers.TensorBoardLogger
    trainer = pl.Trainer(
        max_epochs=3,
        accelerator="cpu",
        logger=[loggers[0](tracking_uri=f"sqlite:///{tmp_path}/own.db"), loggers[1](tmp_path)] if logs else False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[DroplabCallback(run)],
        default_root_dir=tmp_path,
    )
    trainer.fit(Module(), run.loader(Pairs(0, 32, form), batch_size=8), DataLoader(Pairs(32, 48, form), 16))


def skorch(run, tmp_path, stop_after):
    library = pytest.importorskip("skorch", reason="skorch is not installed (make test-all)")
    from skorch.helper import predefined_split

    from droplab.adapters.skorch import DroplabCallback, loaders

    class Kill(library.callbacks.Callback):
        def on_epoch_end(self, net, **_):
            stop_after(len(net.history))

    def form(x, y):
        return x, y

    net = library.NeuralNetRegressor(
        run.prepare(Net),
        max_epochs=3,
        lr=0.05,
        iterator_train=loaders(run),
        batch_size=8,
        train_split=predefined_split(Pairs(32, 48, form)),
        callbacks=[DroplabCallback(run), Kill()],
        verbose=0,
    )
    net.fit(Pairs(0, 32, form), None)


LOOPS = {
    "transformers": (huggingface, {"loss": "lower", "mae": "lower"}),
    "pytorch_lightning": (lightning, {"loss": "lower", "mae": "lower"}),
    "skorch": (skorch, {"loss": "lower"}),
}


@pytest.mark.parametrize("framework", LOOPS)
def test_arms_are_paired_schedules_move_and_an_interrupted_run_ends_with_the_same_numbers(framework, tmp_path):
    pytest.importorskip(framework, reason=f"{framework} is not installed (make test-all)")
    train, measures = LOOPS[framework]
    killed = []

    def asked(name, kill):
        def loop(run):
            def stop_after(epoch):
                if kill and epoch >= 2 and not killed:
                    killed.append(epoch)
                    raise OSError("the power is gone")

            train(run, tmp_path, stop_after)

        return droplab.compare(loop, arms=ARMS, seeds=1, measures=measures, out=tmp_path / name, compute={"threads": 1})

    whole = asked("whole", kill=False)
    assert {run.state for run in whole.record.runs.values()} == {"done"}, [r.reason for r in whole.record.runs.values()]
    assert not {notice.code for notice in whole.record.notices} & {"weights_differ", "batches_differ", "keyed_by_place"}
    ramp = next(run for key, run in whole.record.runs.items() if key.arm == "ramp")
    rates = next(values for name, values in ramp.metrics.items() if name.startswith("p/"))
    assert len(rates) == 3
    assert rates[0] < rates[1] < rates[2]
    first = asked("cut", kill=True)
    assert "the power is gone" in next(run.reason for run in first.record.runs.values() if run.state == "failed")
    assert compared(asked("cut", kill=True).record) == compared(whole.record)


@pytest.mark.parametrize("framework", ["transformers", "pytorch_lightning"])
def test_their_own_loggers_get_arm_and_seed_and_the_verdict(framework, tmp_path, monkeypatch):
    pytest.importorskip(framework, reason=f"{framework} is not installed (make test-all)")
    from mlflow import MlflowClient
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/own.db")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    train, measures = LOOPS[framework]

    def loop(run):
        train(run, tmp_path, lambda epoch: None, logs=True)

    record = droplab.compare(loop, arms=[0.5], seeds=1, measures=measures, out=tmp_path / "out").record
    found = {own.sink: own.where for own in own_runs(record)}
    assert found.keys() == {"mlflow", "tensorboard"}, [run.reason for run in record.runs.values()]
    data = MlflowClient(found["mlflow"]["uri"]).get_run(found["mlflow"]["run"]).data
    assert (data.params["droplab.arm"], data.params["droplab.seed"]) == ("dropout 0.5", "0")
    assert data.tags["droplab.verdict"] == "baseline"
    events = EventAccumulator(found["tensorboard"]["folder"])
    events.Reload()
    texts = [
        events.Tensors(f"{tag}/text_summary")[0].tensor_proto.string_val[0] for tag in ("droplab", "droplab/verdict")
    ]
    assert b"arm: dropout 0.5" in texts[0]
    assert b"verdict: baseline" in texts[1]


@pytest.mark.parametrize(
    ("module", "library"),
    [("huggingface", "transformers"), ("lightning", "pytorch_lightning"), ("skorch", "skorch")],
)
def test_what_is_missing_is_named(module, library, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, library, None)
    for name in [name for name in sys.modules if name.startswith((f"{library}.", "lightning."))]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "lightning", None)
    monkeypatch.delitem(sys.modules, f"droplab.adapters.{module}", raising=False)
    with pytest.raises(droplab.FailureError, match=r"pip install 'droplab\["):
        importlib.import_module(f"droplab.adapters.{module}")

"""The verdict in the runs that a loop has opened itself: W&B offline, MLflow in SQLite, TensorBoard."""

from __future__ import annotations

import os
import warnings
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F
from torch.utils.data import TensorDataset

import droplab
from droplab.cli import main
from droplab.ledger import FILE_NAME
from droplab.results import Results
from tests.tracking import offline_wandb
from tests.training.loops import Net, X, Y

pytestmark = pytest.mark.filterwarnings("ignore:.*loader strategy is deprecated", "ignore::DeprecationWarning")


def loop(run):
    import mlflow
    import wandb
    from torch.utils.tensorboard import SummaryWriter

    words = f"{run.arm.name}-{run.seed}"
    with (
        wandb.init(project="mine", config={"lr": 0.1}) if run.seed == 0 else nullcontext(),
        mlflow.start_run(run_name=words),
        SummaryWriter(f"logs/{words}") as writer,
    ):
        run.label(writer)
        model = run.prepare(Net)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        loader = run.loader(TensorDataset(X, Y), batch_size=16)
        for _ in run.epochs(1, optimizer=optimizer):
            for x, y in run.steps(loader):
                loss = F.mse_loss(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            run.report(val_loss=loss.detach())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Results of the loop, and what was said; the working directory is where its own runs lie."""
    import mlflow
    import wandb

    home = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.chdir(home)
        patch.setenv("WANDB_MODE", "offline")
        patch.setenv("WANDB_DIR", str(home))
        patch.setenv("WANDB_SILENT", "true")
        mlflow.set_tracking_uri("sqlite:///own.db")
        wandb.teardown()  # a session of a test before keeps its own settings
        said = []
        listener = droplab.listener.Silent()
        patch.setattr(listener, "say", said.append)
        results = droplab.compare(loop, arms=[0, 0.5], seeds=2, out="out", listener=listener)
        wandb.teardown()
        assert {run.state for run in results.record.runs.values()} == {"done"}
        yield results, said
        mlflow.set_tracking_uri(None)


def labels(results):
    group = f"{results.record.name} {results.record.experiment_id[:8]}"
    return [{"group": group, "arm": arm, "seed": seed} for seed in (0, 1) for arm in results.record.arms]


def test_wandb_has_arm_and_seed_in_the_config_and_the_verdict_once_it_is_uploaded(trained, monkeypatch):
    import wandb

    results, said = trained
    configs = [offline_wandb.read(one)[0] for one in results.folder.parent.glob("wandb/offline-run-*")]
    assert [config["lr"] for config in configs] == [0.1] * 2
    assert sorted(config["droplab"]["arm"] for config in configs) == sorted(results.record.arms)
    assert all(config["droplab"] in labels(results)[:2] for config in configs)
    assert any("wandb was offline; when it is uploaded (wandb sync" in line for line in said)

    before, asked = (results.folder / FILE_NAME).read_bytes(), {}

    class Api:  # the public one needs a server
        def run(self, path):
            assert path.split("/")[-2] == "mine"
            return SimpleNamespace(summary=asked.setdefault(path, {}))

    monkeypatch.setattr(wandb, "Api", Api)
    main(["export", "wandb", str(results.folder), "--verdict"])
    (answer,) = results.verdict.primary.answers
    assert len(asked) == 2
    assert {one["droplab"]["verdict"] for one in asked.values()} == {"baseline", answer.says}
    monkeypatch.setattr(Api, "run", lambda self, path: path)
    assert "did not take the verdict (AttributeError" in Results.read(results.folder).share_verdict("wandb")[0]
    assert (results.folder / FILE_NAME).read_bytes() == before


def test_mlflow_has_them_in_parameters_and_the_verdict_in_tags(trained):
    from mlflow import MlflowClient

    results, _ = trained
    (answer,) = results.verdict.primary.answers
    runs = MlflowClient(f"sqlite:///{results.folder.parent}/own.db").search_runs(["0"])
    assert len(runs) == 4
    for run in runs:
        arm, seed = run.data.params["droplab.arm"], run.data.params["droplab.seed"]
        assert run.info.run_name == f"{arm}-{seed}"
        assert run.data.params["droplab.group"] == labels(results)[0]["group"]
        assert run.data.tags["droplab.verdict"] == ("baseline" if arm == results.record.baseline else answer.says)
        assert run.data.tags["droplab.recommended"] == results.verdict.recommended
    assert {run.data.metrics.get("droplab.difference") for run in runs} == {None, answer.mean}


def test_tensorboard_has_them_as_texts(trained):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    results, _ = trained
    for label in labels(results):
        events = EventAccumulator(str(results.folder.parent / "logs" / f"{label['arm']}-{label['seed']}"))
        events.Reload()
        first, last = (
            events.Tensors(f"{tag}/text_summary")[0].tensor_proto.string_val[0].decode()
            for tag in ("droplab", "droplab/verdict")
        )
        assert first == "  \n".join(f"{name}: {value}" for name, value in label.items())
        assert last.startswith("verdict: ")
        assert os.sep not in last

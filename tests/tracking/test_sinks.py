"""Every sink that ships, held to the contract; each is read back through its own means."""

from __future__ import annotations

import json
import math
import os
import re
import warnings
from itertools import pairwise

import pytest

from droplab.ledger import open_experiment
from droplab.records import SinkRun
from droplab.testing import ReadBack, SinkContract
from droplab.testing.sinks import commit, write_ledger
from droplab.tracking import mirror, sink_runs
from droplab.tracking.names import grouped
from droplab.tracking.told import VERDICT
from tests.report.test_measures import write
from tests.tracking import offline_wandb

FLOAT32 = 2.0**-23


def ours(metrics):
    """Metrics by droplab's own names; tools are given those that they group: ``val/loss``."""
    assert {"train/loss", "fit/loss", "val/loss"} <= metrics.keys()
    return {re.sub("^(train|fit|val)/", r"\1_", name): series for name, series in metrics.items()}


class TestTensorboard(SinkContract):
    sink = "tensorboard"
    tolerance = FLOAT32  # event files hold scalars as float32

    def read(self, folder, run: SinkRun) -> ReadBack:
        events = read_events(folder, run)
        tags = events.Tags()
        metrics, histograms = {}, {}
        for tag in tags["scalars"]:
            found = events.Scalars(tag)
            assert len({e.step for e in found}) == len(found)
            metrics[tag] = {e.step - 1: e.value for e in found}
        for tag in tags["histograms"]:
            kind, _, layer = tag.partition("/")
            for e in events.Histograms(tag):
                value = e.histogram_value
                assert value.bucket_limit[-1] == value.max
                histograms[kind.removesuffix("s"), layer, e.step - 1] = (value.bucket, value.min, value.max)
        text = said(events, "config")
        return ReadBack(json.loads(text.removeprefix("```json\n").removesuffix("\n```")), ours(metrics), histograms)

    def read_verdict(self, folder, run):
        return numbers(line.split(": ", 1) for line in said(read_events(folder, run), VERDICT).split("  \n"))


def read_events(folder, run: SinkRun):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (place,) = (folder / "tracking" / "tensorboard").glob(f"*-{run.id[:6]}")
    everything = {"scalars": 0, "histograms": 0, "tensors": 0, "compressedHistograms": 1}
    events = EventAccumulator(str(place), size_guidance=everything)
    events.Reload()
    return events


def said(events, tag: str) -> str:
    (event,) = events.Tensors(f"{tag}/text_summary")
    return event.tensor_proto.string_val[0].decode()


def numbers(pairs) -> dict:
    """Values of which those are numbers again that were."""
    return {name: float(value) if re.fullmatch(r"-?[\d.e-]+", value) else value for name, value in pairs}


@pytest.mark.filterwarnings("ignore:.*loader strategy is deprecated")  # MLflow's own use of SQLAlchemy
class TestMlflow(SinkContract):
    sink = "mlflow"

    def read(self, folder, run: SinkRun) -> ReadBack:
        from mlflow.artifacts import load_dict

        client, found = in_mlflow(folder, run)
        assert found.info.run_name == str(run.key)
        metrics = {}
        for name in found.data.metrics.keys() - {f"droplab.{name}" for name in ("difference", "low", "high")}:
            history = client.get_metric_history(found.info.run_id, name)
            assert len({m.step for m in history}) == len(history)
            metrics[name] = {m.step - 1: m.value for m in history}
        histograms = {}
        for item in client.list_artifacts(found.info.run_id, "histograms"):
            text = load_dict(f"{found.info.artifact_uri}/{item.path}")
            for h in text["histograms"]:
                histograms[h["kind"], h["layer"], h["epoch"] - 1] = (h["counts"], h["low"], h["high"])
        return ReadBack(found.data.params, ours(metrics), histograms)

    def read_verdict(self, folder, run):
        client, found = in_mlflow(folder, run)
        described = client.get_experiment(found.info.experiment_id).tags["mlflow.note.content"]
        assert found.data.tags["mlflow.note.content"] == described
        given = {**found.data.tags, **found.data.metrics}
        return {
            name.removeprefix("droplab."): value
            for name, value in given.items()
            if name.startswith("droplab.")
            and name != "droplab.run"
            and not (isinstance(value, float) and math.isnan(value))
        }

    def test_telemetry_is_off(self):
        import droplab.tracking.mlflow_sink  # noqa: F401

        assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def in_mlflow(folder, run: SinkRun):
    """The client, and the one run."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{(folder / 'tracking' / 'mlflow.db').resolve()}")
    experiments = [e.experiment_id for e in client.search_experiments()]
    (found,) = client.search_runs(experiments, f"tags.`droplab.run` = '{run.id}'")
    return client, found


class TestTrackio(SinkContract):
    sink = "trackio"

    @pytest.fixture(autouse=True)
    def _own_database(self, monkeypatch):
        monkeypatch.setenv("TRACKIO_PROJECT", f"contract-{os.urandom(4).hex()}")

    def read(self, folder, run: SinkRun) -> ReadBack:
        import trackio

        from droplab.tracking.trackio_sink import run_name

        project = os.environ["TRACKIO_PROJECT"]
        (found,) = [r for r in trackio.Api().runs(project) if r.name == run_name(run)]
        metrics, histograms = {}, {}
        rows = [row for row in trackio.SQLiteStorage.get_logs(project, found.name) if VERDICT not in row]
        assert len({row["step"] for row in rows}) == len(rows)
        for row in rows:
            for name, value in row.items():
                if isinstance(value, dict) and value.get("_type") == "trackio.histogram":
                    kind, _, layer = name.partition("/")
                    where = (kind.removesuffix("s"), layer, row["step"] - 1)
                    histograms[where] = (value["values"], value["bins"][0], value["bins"][-1])
                elif isinstance(value, float):
                    metrics.setdefault(name, {})[row["step"] - 1] = value
        return ReadBack(found.config, ours(metrics), histograms)

    def read_verdict(self, folder, run):
        import trackio

        from droplab.tracking.trackio_sink import reports, run_name

        project = os.environ["TRACKIO_PROJECT"]
        assert trackio.SQLiteStorage.get_tab_availability_flags(project)["reports"]
        (of_all,) = (r for r in trackio.Api().runs(project) if reports(trackio.SQLiteStorage.get_logs(project, r.name)))
        with open_experiment(folder) as ledger:
            (first, *_) = sink_runs(ledger).values()
        assert of_all.name == run_name(first)
        found = reports(trackio.SQLiteStorage.get_logs(project, of_all.name))
        assert all(one != next_one for one, next_one in pairwise(found))
        return found[-1]


class TestWandb(SinkContract):
    sink = "wandb"

    @pytest.fixture(autouse=True)
    def _offline(self, monkeypatch):
        monkeypatch.setenv("WANDB_MODE", "offline")
        warnings.filterwarnings("ignore", module="wandb")

    def read(self, folder, run: SinkRun) -> ReadBack:
        (place,) = (folder / "tracking" / "wandb" / "wandb").glob(f"offline-run-*-{run.id}")
        config, rows, summary, fields = offline_wandb.read(place)
        assert fields.run_id == run.id
        assert fields.run_group == run.key.arm[:120]
        assert fields.job_type == "train"
        assert summary["state"] in {"done", "failed"}
        metrics, histograms = {}, {}
        assert [row["_step"] for row in rows] == sorted({row["_step"] for row in rows})
        for row in rows:
            for name, value in row.items():
                if isinstance(value, dict):
                    kind, _, layer = name.partition("/")
                    edges = value["bins"]
                    histograms[kind.removesuffix("s"), layer, row["_step"]] = (value["values"], edges[0], edges[-1])
                elif not name.startswith("_"):
                    metrics.setdefault(name, {})[row["_step"]] = value
        return ReadBack(config, ours(metrics), histograms)

    def read_verdict(self, folder, run):
        (place,) = (folder / "tracking" / "wandb" / "wandb").glob(f"offline-run-*-{run.id}")
        *_, summary, fields = offline_wandb.read(place)
        assert fields.notes
        return summary["droplab"]

    def test_offline_says_how_to_upload(self, tmp_path):
        with write_ledger(tmp_path, seeds=1, epochs=1) as ledger:
            commit(ledger, range(1))
            (line,) = mirror(tmp_path, "wandb")
            assert "wandb sync" in line
            places = list((tmp_path / "tracking" / "wandb" / "wandb").glob("offline-run-*"))
            assert {place.name[-16:] for place in places} == {run.id for run in sink_runs(ledger).values()}


OLD_PYDANTIC = pytest.mark.filterwarnings(
    "ignore::pydantic.warnings.PydanticDeprecatedSince20"
)  # wandb-workspaces' own


@OLD_PYDANTIC
@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_wandb_report_is_the_tutorials(finished, monkeypatch, lang):
    import droplab.tracking.wandb_report as reports
    from droplab.cli import main

    built = []
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_ENTITY", "someone")
    monkeypatch.setattr(reports, "save_report", lambda report: built.append(report) or "https://example.org/report")
    main(["export", "wandb", str(finished.folder), "--report", "--lang", lang])
    (report,) = built
    grids = [block for block in report.blocks if type(block).__name__ == "PanelGrid"]
    assert [panel.y for panel in grids[0].panels] == [[grouped(name)] for name in reports.curves(finished.record)]
    assert {grid.runsets[0].entity for grid in grids} == {"someone"}
    assert finished.record.experiment_id in str(grids[0].runsets[0].filters)
    assert ("検証損失" if lang == "ja" else "validation loss") == grids[0].panels[0].title
    code = next(block for block in report.blocks if type(block).__name__ == "CodeBlock")
    assert finished.text(lang) in str(code.code)


@OLD_PYDANTIC
def test_a_report_that_cannot_be_saved_says_what_it_needs():
    from droplab.errors import SinkError
    from droplab.tracking.wandb_report import save_report

    class Refused:
        def save(self):
            raise ConnectionError("no route")

    with pytest.raises(SinkError, match="WANDB_ENTITY"):
        save_report(Refused())


def test_measures_of_a_guest_keep_their_direction_and_are_not_sent_twice(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    warnings.filterwarnings("ignore", module="wandb")
    warnings.filterwarnings("ignore", message=".*loader strategy is deprecated")
    record = write(tmp_path, "ranking")
    for name in ("wandb", "mlflow", "mlflow"):
        mirror(tmp_path, name)
    places = (tmp_path / "tracking" / "wandb" / "wandb").glob("offline-run-*")
    best = [offline_wandb.read(place)[2] for place in places]
    assert {(*sorted(s["f1"]), *sorted(s["perplexity"])) for s in best} == {("last", "max", "last", "min")}
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{(tmp_path / 'tracking' / 'mlflow.db').resolve()}")
    found = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    steps = [[metric.step for metric in client.get_metric_history(run.info.run_id, "f1")] for run in found]
    assert steps == [[1, 2, 3]] * len(record.runs)

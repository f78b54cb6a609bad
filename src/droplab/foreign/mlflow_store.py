"""An MLflow store: an SQLite file, or a folder of runs."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from droplab.errors import DataError, UserError
from droplab.foreign.runs import ForeignRun, in_order

DATABASE = "mlflow.db"
FOLDER = "mlruns"
_INNER = ("mlflow.", "droplab.")
"""Tags that say nothing of how a run was trained."""


def store_in(home: Path) -> str:
    """The address of the store that a file or folder holds; empty where it holds none."""
    if home.is_file():
        return f"sqlite:///{home.resolve()}" if home.suffix == ".db" else ""
    if (home / DATABASE).is_file():
        return f"sqlite:///{(home / DATABASE).resolve()}"
    for folder in (home / FOLDER, home):
        if folder.is_dir() and any(folder.glob("*/meta.yaml")):
            return folder.resolve().as_uri()
    return ""


def read_store(home: Path) -> list[ForeignRun]:
    """All runs of a store that have ended or were never ended; deleted ones are left out.

    Raises:
        UserError: the mlflow package is not installed.
        DataError: a store that cannot be read.
    """
    if find_spec("mlflow") is None:
        raise UserError("an MLflow store is read with a package that is not here: pip install 'droplab[mlflow]'")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        client = MlflowClient(tracking_uri=store_in(home))
        experiments = {found.experiment_id: found.name for found in client.search_experiments()}
        runs, token = [], None
        while token != "":
            page = client.search_runs(list(experiments), max_results=1000, order_by=["start_time"], page_token=token)
            runs += page
            token = page.token or ""
        found = []
        for run in runs:
            curves = {
                name: in_order((float(one.step), one.value) for one in client.get_metric_history(run.info.run_id, name))
                for name in run.data.metrics
            }
            tags = {name: value for name, value in run.data.tags.items() if not name.startswith(_INNER)}
            failed = "its status is FAILED" if run.info.status == "FAILED" else ""
            where = f"run {run.info.run_name or run.info.run_id}"
            fields = {"experiment": experiments[run.info.experiment_id], **run.data.params, **tags}
            found.append(ForeignRun(where, fields, curves, failed))
    except MlflowException as problem:
        raise DataError(f"the MLflow store in {home} cannot be read: {str(problem).splitlines()[0]}") from problem
    return found

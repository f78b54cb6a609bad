"""The verdict, into the runs that a loop has opened itself in its own sinks; no second run is opened for it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from droplab.errors import words_of
from droplab.records import ALSO_IN, ExperimentRecord, RunKey
from droplab.tracking.registry import SINKS
from droplab.tracking.told import VERDICT, listed

Values = Mapping[str, Any]


class Own(NamedTuple):
    """One of the loop's own runs."""

    key: RunKey
    sink: str
    where: Mapping[str, str]


def own_runs(record: ExperimentRecord) -> list[Own]:
    """Those that the ledger knows of, each once: of a run that was continued in another one, both."""
    found = {
        json.dumps(event.detail, sort_keys=True): Own(event.run, event.detail["sink"], event.detail["where"])
        for event in record.events
        if event.kind == ALSO_IN and event.run is not None
    }
    return list(found.values())


def write_verdict(
    record: ExperimentRecord, values: Mapping[str, Values], folder: Path, sink: str = ""
) -> Iterator[str]:
    """Write each arm's values into the summaries of its own runs; lines for the user.

    Args:
        record: the experiment.
        values: by arm.
        folder: of the experiment, for the command that writes what could not be written now.
        sink: this one alone, whose offline runs have been uploaded; all but those that are offline where empty.
    """
    later: dict[str, str] = {}
    for own in own_runs(record):
        if sink and own.sink != sink:
            continue
        if own.where.get("offline") and not sink:
            files = Path(own.where["folder"]).parent / "offline-run-*"
            later[own.sink] = f"was offline; when it is uploaded (wandb sync {files})"
            continue
        try:
            _WRITERS[own.sink](own.where, values[own.key.arm])
        except Exception as problem:  # noqa: BLE001  # whatever a server says; the results are here
            later[own.sink] = f"did not take the verdict ({words_of(problem)}); when it does"
    for name, why in later.items():
        yield f"the loop's own {name} {why}, droplab export {name} {folder} --verdict writes it there"


def _wandb(where: Mapping[str, str], values: Values) -> None:
    import wandb

    run = wandb.Api().run(where["path"])
    run.summary.update({"droplab": dict(values)})


def _mlflow(where: Mapping[str, str], values: Values) -> None:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    from droplab.tracking.mlflow_verdict import write_values

    write_values(MlflowClient(tracking_uri=where["uri"]), where["run"], values)


def _tensorboard(where: Mapping[str, str], values: Values) -> None:
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    from droplab.tracking.event_files import add, text

    writer = EventFileWriter(where["folder"], filename_suffix=".droplab")
    add(writer, [text(VERDICT, listed(values))], 0)
    writer.close()


_WRITERS: dict[str, Callable[[Mapping[str, str], Values], None]] = {
    "wandb": _wandb,
    "mlflow": _mlflow,
    "tensorboard": _tensorboard,
}
assert _WRITERS.keys() <= SINKS.keys()

"""What the verdict says of an arm, in a run of MLflow's: one of droplab's own, or one that a loop has opened itself."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, RunTag

from droplab.tracking.told import PREFIX

_NUMBERS = {PREFIX + name for name in ("difference", "low", "high")}
_WORDS = {PREFIX + name for name in ("verdict", "endpoint", "recommended")}


def write_values(client: MlflowClient, run_id: str, values: Mapping[str, Any]) -> None:
    """Words as tags, numbers as metrics; a number is written once.

    Of an earlier verdict nothing stays: a number that is known no more becomes NaN, as MLflow forgets no metric.
    """
    given = {PREFIX + name: value for name, value in values.items()}
    numbers = {name: value for name, value in given.items() if isinstance(value, float)}
    there = client.get_run(run_id).data
    told = {name: value for name, value in there.metrics.items() if name in _NUMBERS and not math.isnan(value)}
    now = int(time.time() * 1000)
    new = {**dict.fromkeys(told, math.nan), **numbers}
    metrics = [Metric(name, value, now, 0) for name, value in new.items() if told.get(name) != value]
    tags = [RunTag(name, str(value)) for name, value in given.items() if name not in numbers]
    client.log_batch(run_id, metrics=metrics, tags=tags)
    for name in _WORDS & there.tags.keys() - given.keys():
        client.delete_tag(run_id, name)

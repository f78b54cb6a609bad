"""What tells runs apart, as TensorBoard's hyperparameters; by its plugin's own summaries, which make no other runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2, summary_v2

from droplab.measures import GAP, PARTS
from droplab.records import Measure, SinkRun
from droplab.tracking.names import as_text, flat, grouped

Value = bool | float | str
_ALWAYS = ("arm.name", "seed")
_NEVER = ("plan", "environment")
_STATUS = {"done": api_pb2.STATUS_SUCCESS, "failed": api_pb2.STATUS_FAILURE}


def columns(runs: Mapping[str, SinkRun]) -> dict[str, dict[str, Value]]:
    """By run, the entries of its config that differ between runs, and always arm and seed.

    A column whose values are not all numbers, or all yes or no, holds texts; what a run has not is ``-``.
    """
    configs = {
        name: dict(flat({key: value for key, value in run.config.items() if key not in _NEVER}))
        for name, run in runs.items()
    }
    names = dict.fromkeys([*_ALWAYS, *(key for config in configs.values() for key in config)])
    found: dict[str, dict[str, Value]] = {name: {} for name in runs}
    for key in names:
        values = [config.get(key) for config in configs.values()]
        if key not in _ALWAYS and len({as_text(value) for value in values}) == 1:
            continue
        for name, value in zip(configs, _alike(values), strict=True):
            found[name][key] = value
    return found


def _alike(values: Sequence[Any]) -> list[Value]:
    if all(isinstance(value, bool) for value in values):
        return list(values)
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return [float(value) for value in values]
    return ["-" if value is None else as_text(value) for value in values]


def session(name: str, values: Mapping[str, Value], state: str) -> Iterable[Any]:
    """Summaries of a run: its values, and how it ended."""
    yield summary_v2.hparams_pb(dict(values), trial_id=name)
    status = _STATUS.get(state, api_pb2.STATUS_UNKNOWN)
    ended = plugin_data_pb2.HParamsPluginData(session_end_info=plugin_data_pb2.SessionEndInfo(status=status))
    told = metadata.create_summary_metadata(ended)
    yield Summary(value=[Summary.Value(tag=metadata.SESSION_END_INFO_TAG, metadata=told, tensor=metadata.NULL_TENSOR)])


def table(found: Mapping[str, Mapping[str, Value]], measures: Iterable[Measure], tags: Iterable[str]) -> Any:
    """The summary of the experiment: which columns there are, and which measures stand beside them.

    Args:
        found: what ``columns`` gave.
        measures: of the experiment.
        tags: names of the scalars that were written; the last value of each is shown.
    """
    held = set(tags)
    names = [name for one in measures for name in (f"val_{one.name}", one.name)]
    names += [*(f"{part}_{one.name}" for one in measures for part in PARTS), GAP]
    shown = [tag for tag in dict.fromkeys(grouped(name) for name in names) if tag in held]
    keys = list(next(iter(found.values()), {}))
    parameters = [summary_v2.HParam(key, _domain([values[key] for values in found.values()])) for key in keys]
    return summary_v2.hparams_config_pb(parameters, [summary_v2.Metric(tag, display_name=tag) for tag in shown])


def _domain(values: Sequence[Value]) -> Any:
    if isinstance(values[0], float):
        return summary_v2.RealInterval(min(map(float, values)), max(map(float, values)))
    return summary_v2.Discrete(sorted(set(values)))

"""TensorBoard's event files: scalars, ``add_hparams``, and the texts that droplab's own sink writes."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from droplab.errors import DataError, UserError
from droplab.foreign.runs import ForeignRun, flat, in_order, path_fields

PATTERN = "*.tfevents.*"
_HPARAMS = "_hparams_/session_start_info"
_CONFIG = "config/text_summary"
_STATE = "state/text_summary"


def read_events(home: Path) -> list[ForeignRun]:
    """The run of each folder with event files.

    Raises:
        UserError: the tensorboard package is not installed.
        DataError: an event file that cannot be read.
    """
    if find_spec("tensorboard") is None:
        raise UserError("event files are read with a package that is not here: pip install 'droplab[tensorboard]'")
    folders = dict.fromkeys(path.parent for path in sorted(home.rglob(PATTERN)))
    found = {folder: _run(home, folder) for folder in folders}
    settings = {folder: run for folder, run in found.items() if any(other in folder.parents for other in found)}
    return [_with_settings(folder, run, settings) for folder, run in found.items() if folder not in settings]


def _with_settings(folder: Path, run: ForeignRun, settings: dict[Path, ForeignRun]) -> ForeignRun:
    """``add_hparams`` writes its settings into a folder inside the run's."""
    inside = [other.fields for place, other in settings.items() if folder in place.parents]
    extra = {name: value for fields in inside for name, value in fields.items() if name not in {"path", "seed"}}
    given = {name: fields[name] for fields in inside for name in ("seed",) if name in fields}
    return ForeignRun(run.where, {**run.fields, **given, **extra}, run.curves, run.failed)


def _run(home: Path, folder: Path) -> ForeignRun:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    try:
        events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0, "histograms": 1, "images": 1})
        events.Reload()
        tags = events.Tags()
        curves = {tag: in_order((e.step, e.value) for e in events.Scalars(tag)) for tag in tags["scalars"]}
        texts = {}
        for tag in tags["tensors"]:
            points = [(event.step, make_ndarray(event.tensor_proto).reshape(-1)) for event in events.Tensors(tag)]
            if points[-1][1].dtype == object:
                texts[tag] = b"".join(points[-1][1][:1]).decode("utf-8", "replace")
            elif all(len(value) == 1 for _, value in points):
                curves[tag] = in_order((step, float(value[0])) for step, value in points)
        settings = _hparams(events)
    except (OSError, ValueError, KeyError) as problem:
        raise DataError(f"the event files in {folder} cannot be read: {problem}") from problem
    fields = {**path_fields(folder, home), **settings, **_config(texts.get(_CONFIG, ""))}
    state = texts.get(_STATE, "")
    return ForeignRun(str(folder), fields, curves, state if state.startswith("failed") else "")


def _hparams(events: Any) -> dict[str, Any]:
    from tensorboard.plugins.hparams import plugin_data_pb2

    found = events.summary_metadata.get(_HPARAMS)
    if found is None:
        return {}
    data = plugin_data_pb2.HParamsPluginData.FromString(found.plugin_data.content)
    values = data.session_start_info.hparams
    kinds = {name: value.WhichOneof("kind") for name, value in values.items()}
    return {name: getattr(values[name], kind) for name, kind in kinds.items() if kind}


def _config(text: str) -> dict[str, Any]:
    """The spec that droplab's own sink keeps as a text."""
    inner = text.removeprefix("```json\n").removesuffix("\n```")
    try:
        found = json.loads(inner) if inner else {}
    except ValueError:
        return {}
    return dict(flat(found)) if isinstance(found, dict) else {}

"""Which sinks there are, and what each needs installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, cast

from droplab.errors import UserError, suggest
from droplab.records import Sink
from droplab.userobjects import resolve


class _Entry(NamedTuple):
    module: str
    name: str
    package: str


SINKS = {
    "wandb": _Entry("droplab.tracking.wandb_sink", "WandbSink", "wandb"),
    "trackio": _Entry("droplab.tracking.trackio_sink", "TrackioSink", "trackio"),
    "mlflow": _Entry("droplab.tracking.mlflow_sink", "MlflowSink", "mlflow"),
    "tensorboard": _Entry("droplab.tracking.tensorboard_sink", "TensorboardSink", "tensorboard"),
}
"""By the name that ``--track`` takes; each is an extra of the same name."""


def check_sinks(names: Sequence[str]) -> tuple[str, ...]:
    """The names, or one, each once, after seeing that each can be had; nothing heavy is imported.

    >>> check_sinks(())
    ()

    Raises:
        UserError: an unknown sink, or one whose package is not installed.
    """
    names = [names] if isinstance(names, str) else names
    for name in names:
        if ":" in name:
            continue
        if name not in SINKS:
            known = ", ".join(SINKS)
            raise UserError(f"no sink {name!r}; there are {known}, or pkg.module:Class{suggest(name, SINKS)}")
        if importlib.util.find_spec(SINKS[name].package) is None:
            raise UserError(f"the sink {name!r} needs a package that is not here: pip install 'droplab[{name}]'")
    return tuple(dict.fromkeys(names))


def make_sink(name: str, folder: Path) -> Sink:
    """The sink of that name for an experiment's folder.

    Args:
        name: one of ``SINKS``, or ``pkg.module:Class`` of your own, called with the folder.
        folder: the experiment's folder; local files of a sink go to ``FOLDER/tracking/NAME``.
    """
    check_sinks([name])
    if ":" in name:
        return cast(Sink, resolve(name, "sink", UserError)(folder))
    entry = SINKS[name]
    return cast(Sink, getattr(import_module(entry.module), entry.name)(folder))

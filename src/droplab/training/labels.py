"""Loggers that a loop has opened itself: they get the run's group, arm and seed, and the ledger their place.

Nothing is imported for it, and no second run is opened: what a loop does not use itself is not there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, final

from droplab.errors import quote, words_of
from droplab.training.port import Port

_RELATIVE = "sqlite:///"


class Place(NamedTuple):
    """Where the loop's own run is; enough to find it again when the experiment has ended."""

    sink: str
    where: Mapping[str, str]


@final
class Labels:
    """What the loggers of one run are given.

    Args:
        group: the experiment's, the same for all its runs.
        arm: the run's.
        seed: the run's.
        port: hears where the loggers write.
        around: loggers that were open before the run began, and so belong to none: ``open_now()``.
    """

    def __init__(self, group: str, arm: str, seed: int, port: Port, around: Iterable[Any] = ()) -> None:
        self.values = {"group": group, "arm": arm, "seed": seed}
        self._port = port
        self._due = True
        self._known = {_name(one): one for one in around}

    def step(self) -> None:
        """A step begins: look, at the first one after a report."""
        if self._due:
            self.look()
            self._due = False

    def look(self) -> None:
        """Label what W&B and MLflow have open in this process."""
        self._due = True
        for sink in open_now():
            self.give(sink)

    def give(self, sink: Any) -> None:
        """Label a logger, once. One that fails is said to the user, and training goes on."""
        if _name(sink) in self._known:
            return
        self._known[_name(sink)] = sink
        try:
            place = _labelled(sink, self.values)
        except Exception as problem:  # noqa: BLE001  # a server, a full disk: no affair of the run's
            self._port.say(f"{type(sink).__name__} did not take the run's arm and seed: {words_of(problem)}")
            return
        if place is not None:
            self._port.also_in(*place)


def open_now() -> list[Any]:
    """The runs of W&B and MLflow that are open in this process.

    >>> open_now()
    []
    """
    found = []
    wandb, mlflow = sys.modules.get("wandb"), sys.modules.get("mlflow")
    if wandb is not None:
        found.append(getattr(wandb, "run", None))
    if mlflow is not None:
        found.append(getattr(mlflow, "active_run", _none)())
    return [one for one in found if one is not None]


def _none() -> None:
    """MLflow while it is being imported."""


def _name(sink: Any) -> Any:
    """Of MLflow's runs there is another object with every call."""
    info = getattr(sink, "info", None)
    return getattr(info, "run_id", None) or id(sink)


def _labelled(sink: Any, values: Mapping[str, Any]) -> Place | None:
    """Where it is; nowhere, where it writes nothing that could be found again."""
    for fits, label in _KINDS:
        if fits(sink):
            return label(sink, values)
    raise TypeError(
        f"got {quote(sink)}; a run of W&B or MLflow, a SummaryWriter of TensorBoard or a logger of Lightning is wanted"
    )


def _in_wandb(run: Any, values: Mapping[str, Any]) -> Place | None:
    run.config.update({"droplab": dict(values)}, allow_val_change=True)
    if getattr(run, "disabled", False):
        return None
    offline = "yes" if run.offline else ""
    path = "/".join(part for part in (run.entity, run.project, run.id) if part)
    return Place("wandb", {"path": path, "offline": offline, "folder": str(Path(run.dir).parent)})


def _in_mlflow(run: Any, values: Mapping[str, Any]) -> Place:
    mlflow = sys.modules["mlflow"]
    return _mlflow(mlflow.MlflowClient(), run.info.run_id, mlflow.get_tracking_uri(), values)


def _in_mlflow_logger(logger: Any, values: Mapping[str, Any]) -> Place:
    return _mlflow(logger.experiment, logger.run_id, logger.experiment.tracking_uri, values)


def _mlflow(client: Any, run_id: str, uri: str, values: Mapping[str, Any]) -> Place:
    for name, value in values.items():
        client.log_param(run_id, f"droplab.{name}", value)
    if uri.startswith(_RELATIVE):  # the driver may be elsewhere
        uri = _RELATIVE + str(Path(uri.removeprefix(_RELATIVE)).absolute())
    return Place("mlflow", {"run": run_id, "uri": uri})


def _in_tensorboard(writer: Any, values: Mapping[str, Any]) -> Place:
    writer.add_text("droplab", "  \n".join(f"{name}: {value}" for name, value in values.items()))
    return Place("tensorboard", {"folder": str(Path(writer.log_dir).absolute())})


def _in_lightning(logger: Any, values: Mapping[str, Any]) -> Place | None:
    experiment = logger.experiment
    if any(fits(experiment) for fits, _ in _KINDS):
        return _labelled(experiment, values)
    logger.log_hyperparams({"droplab": dict(values)})
    return None


def _is(*names: str) -> Callable[[Any], bool]:
    return lambda sink: all(hasattr(sink, name) for name in names)


_KINDS: tuple[tuple[Callable[[Any], bool], Callable[[Any, Mapping[str, Any]], Place | None]], ...] = (
    (_is("config", "summary", "log_artifact"), _in_wandb),
    (_is("info", "data"), _in_mlflow),
    (_is("add_text", "add_scalar", "log_dir"), _in_tensorboard),
    (lambda sink: _is("experiment", "run_id")(sink) and hasattr(sink.experiment, "log_param"), _in_mlflow_logger),
    (_is("experiment", "log_hyperparams"), _in_lightning),
)
"""By what they can do, as none of their libraries is known here."""

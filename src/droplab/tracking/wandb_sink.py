"""Weights & Biases: online when logged in, else offline with the line that uploads it later."""

from __future__ import annotations

import hashlib
import json
import math
import netrc
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

import numpy as np
import wandb

from droplab.records import Conclusion, Measurement, SinkRun
from droplab.tracking.names import bin_edges, grouped, shortened
from droplab.tracking.told import note

PROJECT = "droplab"
"""The project, unless ``WANDB_PROJECT`` names another."""
_NAME = 120  # characters that W&B takes for names and groups
_TAG = 64
_NOTE = 10_000
_OPEN = 50
"""Ended offline runs that are kept open for the verdict, as nothing can be added to their files; others are written
anew with it."""
_EXIT = {"done": 0, "failed": 1}
_SERVER = "https://api.wandb.ai"
_BEST = {"lower": "min", "higher": "max"}


class _Ended(NamedTuple):
    run: SinkRun
    opened: Any
    state: str


class WandbSink:
    """Runs of a project, grouped by arm; the verdict in each one's summary and notes.

    Online, a run that is opened again continues at the server's step. Offline, it is written anew from the
    ledger, as offline files cannot be continued; the unfinished file goes, so that nothing is uploaded twice.
    """

    def __init__(self, folder: Path) -> None:
        self._home = (folder / "tracking" / "wandb").resolve()
        self._home.mkdir(parents=True, exist_ok=True)
        self._mode = mode()
        self._runs: dict[str, Any] = {}
        self._whole: dict[Path, dict[str, Any]] = {}
        self._ended: dict[str, _Ended] = {}
        self._arms: dict[str, str] = {}
        self._paths: dict[str, str] = {}
        """Of online runs."""
        self._written: dict[str, str] = {}
        """Digests of the verdicts in offline files that are closed and not uploaded."""
        self._conclusion: Conclusion | None = None

    def start(self, run: SinkRun) -> int:
        """Open the run under its own id."""
        self._arms[run.id] = run.key.arm
        if self._mode == "offline":
            known = self._known(run)
            if known is not None:
                return known
        arm, seed = run.key.arm, run.key.seed
        opened = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            id=run.id,
            name=f"{arm} · seed {seed}"[:_NAME],
            group=arm[:_NAME],
            job_type="train",
            config=dict(run.config),
            tags=[tag[:_TAG] for tag in ("droplab", run.experiment, arm, f"seed {seed}")],
            dir=str(self._home),
            mode=self._mode,
            resume="allow" if self._mode == "online" else None,
            reinit="create_new",
            settings=wandb.Settings(console="off", silent=True),
        )
        opened.define_metric("epoch", hidden=True)
        opened.define_metric("*", step_metric="epoch")
        for measure in run.measures:  # the best value is shown beside the last
            for name in (f"val_{measure.name}", measure.name):
                opened.define_metric(grouped(name), step_metric="epoch", summary=f"{_BEST[measure.better]},last")
        self._runs[run.id] = opened
        if self._mode == "offline":
            return 0
        self._paths[run.id] = opened.path
        return int(opened.step) if opened.resumed else 0

    def epoch(self, run: SinkRun, measurement: Measurement) -> None:
        """Metrics, and histograms under the names that ``wandb.watch(log="all")`` uses; step = epoch, from 0."""
        values: dict[str, Any] = {
            grouped(name): value for name, value in measurement.metrics.items() if not math.isnan(value)
        }
        for item in measurement.histograms:
            edges = bin_edges(item.low, item.high, len(item.counts))
            values[f"{item.kind}s/{item.layer}"] = wandb.Histogram(
                np_histogram=(np.asarray(item.counts), np.asarray(edges))
            )
        self._runs[run.id].log({**values, "epoch": measurement.epoch + 1}, step=measurement.epoch)

    def end(self, run: SinkRun, state: str, reason: str) -> None:
        """Finish the run; a failure's reason is in its summary."""
        opened = self._runs.pop(run.id, None)
        if opened is None:
            return
        opened.summary["state"] = state
        if reason:
            opened.summary["reason"] = reason
        if self._mode == "offline" and len(self._ended) < _OPEN:
            self._ended[run.id] = _Ended(run, opened, state)
        else:
            self._finish(run, opened, state)

    def conclude(self, conclusion: Conclusion) -> tuple[str, ...]:
        """Keep it for ``close``; offline files that lack it are wanted anew."""
        self._conclusion = conclusion
        return tuple(name for name, verdict in self._written.items() if verdict != self._digest(self._arms[name]))

    def close(self) -> tuple[str, ...]:
        """Wait until all is on the disk; say how to look at it, or how to upload it."""
        for ended in self._ended.values():
            self._finish(*ended)
        for opened in self._runs.values():
            opened.finish(exit_code=255)
        if self._conclusion is not None and self._paths:
            self._tell_server(self._conclusion)
        wandb.teardown()  # finish() may return before the last records of a file are written
        for marker, kept in self._whole.items():
            marker.write_text(json.dumps(kept), encoding="utf-8")
        if self._mode == "offline":
            return (f"W&B was offline (not logged in); to upload: wandb sync {self._home / 'wandb' / 'offline-run-*'}",)
        return ()

    def _finish(self, run: SinkRun, opened: Any, state: str) -> None:
        place, arm = Path(opened.dir).parent, run.key.arm
        if self._mode == "offline" and self._conclusion is not None:
            opened.notes = shortened(note(self._conclusion), _NOTE)
            opened.summary.update({"droplab": dict(self._conclusion.arms[arm])})
        opened.finish(exit_code=_EXIT.get(state, 255))
        if self._mode == "offline":
            self._written[run.id] = self._digest(arm)
            if state == "done":
                kept = {"folder": place.name, "epochs": run.epochs, "verdict": self._digest(arm)}
                self._whole[self._marker(run)] = kept

    def _tell_server(self, conclusion: Conclusion) -> None:
        """Runs that have ended are changed through the server."""
        api = wandb.Api()
        for name, path in self._paths.items():
            run = api.run(path)
            run.notes = shortened(note(conclusion), _NOTE)
            run.summary.update({"droplab": dict(conclusion.arms[self._arms[name]])})
            run.update()

    def _digest(self, arm: str) -> str:
        """Of what is said of an arm; nothing where nothing is."""
        if self._conclusion is None:
            return ""
        said = json.dumps([note(self._conclusion), dict(self._conclusion.arms[arm])])
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def _marker(self, run: SinkRun) -> Path:
        return self._home / f"{run.id}.json"

    def _known(self, run: SinkRun) -> int | None:
        """Epochs of a finished offline run; what was left unfinished is removed."""
        with suppress(OSError, ValueError, KeyError):
            kept = json.loads(self._marker(run).read_text(encoding="utf-8"))
            place, verdict = self._home / "wandb" / str(kept["folder"]), str(kept.get("verdict", ""))
            uploaded = any(place.glob("*.wandb.synced"))
            lacking = self._conclusion is not None and verdict != self._digest(run.key.arm) and not uploaded
            if place.is_dir() and kept["epochs"] == run.epochs and not lacking:
                if not uploaded:
                    self._written[run.id] = verdict
                return run.epochs
        for torn in (self._home / "wandb").glob(f"offline-run-*-{run.id}"):
            shutil.rmtree(torn)
        return None


def mode() -> Literal["online", "offline"]:
    """``online`` where W&B would find a key, else ``offline``; ``WANDB_MODE`` decides where it is set."""
    asked = os.environ.get("WANDB_MODE", "")
    if asked == "online":
        return "online"
    return "offline" if asked == "offline" or not logged_in() else "online"


def logged_in() -> bool:
    """Whether there is a key: in ``WANDB_API_KEY`` or in the netrc file that ``wandb login`` writes."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL", _SERVER)).hostname or ""
    with suppress(OSError, netrc.NetrcParseError):
        return netrc.netrc(os.environ.get("NETRC")).authenticators(host) is not None
    return False

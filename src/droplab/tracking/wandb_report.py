"""The tutorial's W&B report: curves of the run sets side by side, built with ``wandb-workspaces``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import wandb_workspaces.expr as ws
import wandb_workspaces.reports.v2 as wr

from droplab.errors import SinkError
from droplab.measures import GAP, reported
from droplab.records import Conclusion, ExperimentRecord
from droplab.tracking.names import grouped
from droplab.tracking.told import note
from droplab.tracking.wandb_sink import PROJECT


def curves(record: ExperimentRecord) -> tuple[str, ...]:
    """What has a panel each, of all that the runs report."""
    names = record.metrics
    found = [reported(measure, part, names) for measure in record.measures for part in ("val", "fit")]
    last = reported(record.measures[0], "train", names)
    return tuple(filter(None, [*found, GAP if GAP in names or not names else "", last]))


def build_report(
    record: ExperimentRecord, conclusion: Conclusion, say: Mapping[str, str], *, entity: str = "", project: str = ""
) -> Any:
    """A ``wandb_workspaces.reports.v2.Report``; nothing is sent before its ``save()``.

    It begins with the decision and each arm's interval. W&B's curves know no t intervals; theirs is a deviation.

    Args:
        record: the experiment.
        conclusion: what it has shown.
        say: texts: ``title``, ``curves``, ``curves_text``, ``weights``, ``verdict``, ``runs``, and metrics by name.
        entity: user or team; ``WANDB_ENTITY`` where empty.
        project: ``WANDB_PROJECT`` where empty.
    """
    entity = entity or os.environ.get("WANDB_ENTITY", "")
    project = project or os.environ.get("WANDB_PROJECT", PROJECT)
    runs = {"entity": entity, "project": project}
    this = ws.And(ws.Config("experiment_id") == record.experiment_id)

    def grid(panels: list[Any], *, grouped: bool) -> Any:
        sets = [wr.Runset(name=say["runs"], filters=this, groupby=["group"] if grouped else [], **runs)]
        return wr.PanelGrid(runsets=sets, panels=panels)

    panels = [
        wr.LinePlot(title=say[name], x="epoch", y=[grouped(name)], groupby_aggfunc="mean", groupby_rangefunc="stddev")
        for name in curves(record)
    ]
    norms = [wr.LinePlot(title=say[name], x="epoch", y=[name]) for name in ("grad_norm", "param_norm")]
    return wr.Report(
        project=project,
        entity=entity,
        title=f"{record.name}: {say['title']}",
        description=conclusion.advice,
        width="fluid",
        blocks=[
            wr.MarkdownBlock(text=note(conclusion)),
            wr.H1(text=say["curves"]),
            wr.P(text=say["curves_text"]),
            grid(panels, grouped=True),
            wr.H1(text=say["weights"]),
            grid(norms, grouped=True),
            wr.H1(text=say["verdict"]),
            wr.CodeBlock(code=conclusion.text, language="markdown"),
            grid([wr.RunComparer(diff_only=True)], grouped=False),
        ],
    )


def save_report(report: Any) -> str:
    """Upload the report; its address.

    Raises:
        SinkError: W&B refused, or cannot be reached.
    """
    try:
        report.save()
    except Exception as problem:
        raise SinkError(
            f"W&B did not take the report: {type(problem).__name__}: {problem}. It needs an account: wandb login, then "
            "set WANDB_ENTITY to your user or team name; the runs have to be uploaded first (wandb sync)."
        ) from problem
    return str(report.url)

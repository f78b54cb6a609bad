"""An experiment's folder as a sheet that figures are drawn from; no torch, and of histograms only what is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from droplab.analysis import Verdict
from droplab.languages import check_language
from droplab.ledger import open_experiment
from droplab.records import ChangedImages, ExperimentRecord, Histogram, RunKey
from droplab.report.figures.drawing import shown_arm
from droplab.report.figures.sheet import Sheet
from droplab.report.payload import PageSource, drawn_data

Histograms = Mapping[RunKey, Mapping[int, Sequence[Histogram]]]


def sheet_of(
    folder: Path, record: ExperimentRecord, verdict: Verdict, lang: str, *, arm: str = "", name: str = ""
) -> Sheet:
    """What figures of an experiment are drawn from.

    Args:
        folder: the experiment's folder.
        record: the experiment.
        verdict: what was said of it.
        lang: language of the words.
        arm: the arm that is shown beside the baseline; where empty, the one that the page shows first.
        name: the figure that is wanted; all histograms are read for ``inside`` alone, and of one run to list figures.

    Raises:
        UserError: no such language, or no such arm.
        LedgerError: the histograms cannot be read.
    """
    check_language(lang)
    source = PageSource(record, verdict, "", 1, [], {}, _histograms(folder, record, name), ChangedImages({}, ""))
    data = drawn_data(source)
    return Sheet(data, lang, shown_arm(data, arm))


def _histograms(folder: Path, record: ExperimentRecord, name: str) -> Histograms:
    """Those of all runs, of the first run that has any, or of none."""
    kind = name.partition(".")[0]
    if name and kind != "inside":
        return {}
    found = {}
    with open_experiment(folder) as ledger:
        for key, run in record.runs.items():
            if run.epochs_done and (by_epoch := ledger.histograms(key)):
                found[key] = by_epoch
                if not name:
                    break
    return found

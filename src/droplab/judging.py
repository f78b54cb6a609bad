"""``droplab.judge``: the verdict of an experiment, or of runs that others recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, overload

from droplab.analysis import ALPHA, Verdict
from droplab.analysis import judge as judge_record
from droplab.errors import UserError, quote
from droplab.foreign import FORMATS, Wanted, build, read_runs
from droplab.foreign.table import check_names, read_columns
from droplab.records import ChangedImages, ExperimentRecord
from droplab.report import PageSource, build_page, render
from droplab.report.writing import check_free, whole_file


@dataclass(frozen=True)
class Judged:
    """Others' runs as a record, and what can be said of them; ``print`` shows the verdict in English."""

    record: ExperimentRecord

    @cached_property
    def verdict(self) -> Verdict:
        """What the statistics allow to say."""
        return judge_record(self.record)

    def text(self, lang: str = "en") -> str:
        """The verdict in plain words; ``lang`` is ``en`` or ``ja``."""
        return render(self.verdict, self.record, lang)

    def write_page(self, path: str | Path, lang: str = "en", *, replace: bool = True) -> Path:
        """Write the page: one HTML file that needs no network.

        Raises:
            UserError: another language, a folder, or a file that is there and not to be replaced.
            FailureError: the file cannot be written.
        """
        target = Path(path)
        check_free(target, replace=replace, how="--force replaces it")
        nothing = ChangedImages({}, "no images")
        text = build_page(PageSource(self.record, self.verdict, "", 1, [], {}, {}, nothing), lang)
        with whole_file(target, replace=replace, how="--force replaces it") as file:
            file.write(text)
        return target

    def __str__(self) -> str:
        return self.text()


@overload
def judge(source: ExperimentRecord, *, alpha: float = ALPHA) -> Verdict:  # noqa: D418  # a test of ours wants one
    """An experiment's verdict."""  # public names have docstrings, overloads too


@overload
def judge(  # noqa: D418  # as above
    source: Any,
    *,
    measure: str | Sequence[str],
    arm: str = "",
    seed: str = "seed",
    epoch: str = "",
    baseline: str = "",
    margin: float | None = None,
    looks: Sequence[int] = (),
    name: str = "",
) -> Judged:
    """Others' runs as a record, with its verdict."""  # as above


def judge(
    source: Any,
    *,
    measure: str | Sequence[str] = (),
    arm: str = "",
    seed: str = "seed",
    epoch: str = "",
    baseline: str = "",
    margin: float | None = None,
    looks: Sequence[int] = (),
    name: str = "",
    alpha: float = ALPHA,
) -> Verdict | Judged:
    """Judge an experiment's record, or runs that others recorded: a table, a file, a folder.

    Runs are grouped by everything but the seed and compared over the seeds that all arms share, by the statistics of
    an experiment of set "2". Whatever reports one number per epoch is compared at its best epoch, which is named as
    optimistic.

    Args:
        source: a record; or a data frame, a mapping of columns, a CSV file, an MLflow store, W&B's offline runs, trees
            of ``trainer_state.json``, TensorBoard's folders, Lightning's CSV logs.
        measure: ``NAME``, or ``NAME:higher`` where higher is better; of several, the first is decided on.
        arm: what tells arms apart, several names separated by commas; everything but the seed where absent.
        seed: the seed's field or column.
        epoch: in a table, the column of epochs; ``epoch`` or ``step`` where absent.
        baseline: the arm that the others are compared with; the first where absent.
        margin: the smallest difference that matters.
        looks: the looks that were planned; one, at all seeds, where absent.
        name: in titles; the source's where absent.
        alpha: of a record of set "1", its family-wise error rate.

    Returns:
        A verdict of a record; of anything else its record with the verdict.

    Raises:
        UserError: nothing to compare there; the message says what is.
        DataError: what is there is not what its name says.

    >>> columns = {"model": list("aaabbb"), "seed": [0, 1, 2] * 2, "loss": [0.5, 0.6, 0.7, 0.31, 0.41, 0.52]}
    >>> judge(columns, arm="model", measure="loss").verdict.recommended
    'b'
    """
    if isinstance(source, ExperimentRecord):
        return judge_record(source, alpha)
    named = (measure,) if isinstance(measure, str) else tuple(measure)
    wanted = Wanted(named, arm, seed, baseline, margin, tuple(looks), epoch)
    if isinstance(source, (str, Path)):
        place = Path(source)
        return Judged(build(read_runs(place, wanted), wanted, name or place.name or str(place)))
    return Judged(build(read_columns(_columns(source), wanted), wanted, name or "table"))


def _columns(source: Any) -> Mapping[str, Sequence[Any]]:
    if isinstance(source, Mapping):
        names = list(source)
    elif hasattr(source, "columns") and hasattr(source, "to_dict"):
        names = list(source.columns)
    else:
        raise UserError(f"a record, a table, {', '.join(FORMATS)} can be judged; got {quote(source)}")
    check_names("the table", [str(name) for name in names])
    found = {}
    for name in names:
        values = source[name]
        if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
            raise UserError(
                f"a table has a list of values in each column; column {quote(str(name))} is {quote(values)}"
            )
        found[str(name)] = list(values)
    lengths = {len(values) for values in found.values()}
    if len(lengths) > 1:
        told = ", ".join(f"{name} {len(values)}" for name, values in list(found.items())[:20])
        raise UserError(f"columns of a table are of one length; these have {told}")
    return found

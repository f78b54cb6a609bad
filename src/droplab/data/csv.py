"""Tables from CSV files, through pandas: numbers, categories, missing values, and a word on what was done to each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from droplab.data.samples import Samples
from droplab.errors import DataError, quote, suggest

_FEW, _OWN = 20, 0.9
"""Values from which on a category is doubted, where they are more than this share of the rows."""


@dataclass(frozen=True)
class Table:
    """A CSV file, read and checked, its columns not yet numbers.

    Attributes:
        columns: names of the inputs.
        targets: ``(N,)``: float32 for numbers, int64 for whole numbers and for categories.
        class_names: of a target that is a category; empty where it is a number.
        groups: ``(N,)`` values of the column of groups, if one was named.
        times: the same of the column of times.
    """

    columns: tuple[str, ...]
    targets: Tensor
    class_names: tuple[str, ...]
    groups: NDArray[Any] | None
    times: NDArray[Any] | None
    _frame: Any

    def __len__(self) -> int:
        return len(self.targets)

    def samples(self, rows: Any, train: Any, tell: Callable[[str], Any] = print) -> Samples:
        """Samples of some rows, by what the training rows know; what is done to each column is told.

        A number is moved and scaled to mean 0 and deviation 1 of the training rows; one that is missing becomes the
        mean, and a column says where. A category becomes a number from 1 in the order of its names in the training
        rows; 0 is one that is missing or that they do not have.

        Args:
            rows: numbers of the rows wanted.
            train: numbers of the training rows.
            tell: called with a line for each column; ``print``, or ``lambda line: None`` for nothing.

        Returns:
            Inputs ``{"numbers": (N, F) float32, "categories": (N, K) int64}``, those of the two that there are.
        """
        numbers: list[Tensor] = []
        categories: list[Tensor] = []
        rows, train = np.asarray(rows), np.asarray(train)
        for name in self.columns:
            column = self._frame[name]
            if _is_number(column):
                numbers += _number(name, column.to_numpy(dtype="float64", na_value=np.nan), rows, train, tell)
            else:
                categories.append(_category(name, column, rows, train, tell))
        inputs = {}
        if numbers:
            inputs["numbers"] = torch.stack(numbers, 1)
        if categories:
            inputs["categories"] = torch.stack(categories, 1)
        return Samples(inputs, self.targets[torch.from_numpy(rows)])

    def cells(self, row: int) -> tuple[tuple[str, str], ...]:
        """A row as it stands in the file: columns and texts; what is missing is empty."""
        columns = [(str(name), self._frame[name]) for name in self.columns]
        return tuple((name, "" if column.isna().iloc[row] else str(column.iloc[row])) for name, column in columns)

    def sizes(self, train: Any) -> tuple[int, tuple[int, ...]]:
        """How many numbers there are and how many values each category has, for a model's embeddings."""
        found = self.samples(np.asarray(train)[:1], train, tell=lambda _: None).inputs
        values = [
            1 + int(self._frame[name].iloc[np.asarray(train)].nunique())
            for name in self.columns
            if not _is_number(self._frame[name])
        ]
        return found["numbers"].shape[1] if "numbers" in found else 0, tuple(values)


def read_csv(
    path: str | Path,
    target: str,
    *,
    drop: Sequence[str] | str = (),
    groups: str | None = None,
    times: str | None = None,
    **options: Any,
) -> Table:
    """Read a table with a header.

    Args:
        path: a CSV file.
        target: the column to predict. Texts are categories and become class numbers.
        drop: columns to leave out.
        groups: a column that says what belongs together (a patient, a user); it is no input.
        times: a column of times or numbers to cut by; it is no input.
        options: others of ``pandas.read_csv``.

    Raises:
        DataError: pandas or the file is absent, an option or a column that is not there, or a target that is missing
            somewhere.
    """
    pandas = _pandas()
    _check_options(pandas, options)
    drop = [drop] if isinstance(drop, str) else drop
    try:
        frame = pandas.read_csv(path, **options)
    except (OSError, ValueError, TypeError) as problem:
        raise DataError(f"table {str(path)!r} cannot be read: {problem}. Wanted a CSV file with a header") from problem
    _check_columns(path, frame, {"target": [target], "drop": drop, "groups": [groups], "times": [times]})
    if not len(frame):
        raise DataError(f"table {str(path)!r} has a header and no row")
    _check_whole(path, frame, target, "target")
    if groups is not None:
        _check_whole(path, frame, groups, "groups")
    if times is not None:
        _check_whole(path, frame, times, "times")
    left = [name for name in frame.columns if name not in {target, groups, times, *drop}]
    if not left:
        raise DataError(f"table {str(path)!r} has no column left as an input")
    column = frame[target]
    if _is_number(column):
        whole = column.dtype.kind in "iub"
        targets, names = torch.from_numpy(column.to_numpy(np.int64 if whole else np.float32, copy=True)), ()
    else:
        texts = column.astype(str)
        names = tuple(sorted(set(texts)))
        targets = torch.from_numpy(np.searchsorted(np.asarray(names), texts.to_numpy(str)).astype(np.int64))
    return Table(
        columns=tuple(left),
        targets=targets,
        class_names=names,
        groups=None if groups is None else frame[groups].astype(str).to_numpy(str),
        times=None if times is None else _times(pandas, path, frame[times]),
        _frame=frame,
    )


def _pandas() -> Any:
    try:
        import pandas as pd
    except ImportError as problem:
        raise DataError(
            "CSV files are read with pandas, which is not there: pip install 'droplab[pandas]'"
        ) from problem
    return pd


def _check_options(pandas: Any, options: Mapping[str, Any]) -> None:
    known = [*inspect.signature(pandas.read_csv).parameters][1:]
    for name in options:
        if name not in known:
            own = ("target", "drop", "groups", "times")
            raise DataError(
                f"a table has no option {quote(name)}{suggest(name, (*own, *known))}; it takes {', '.join(own)}, and "
                "those of pandas.read_csv"
            )


def _check_columns(path: str | Path, frame: Any, asked: Mapping[str, Sequence[Any]]) -> None:
    for what, names in asked.items():
        for name in names:
            if not isinstance(name, str | int | None):
                raise DataError(f"{what} arrived as {quote(name)}; wanted the name of one column")
            if name is not None and name not in frame.columns:
                raise DataError(
                    f"table {str(path)!r} has no column {quote(name)} ({what}){suggest(str(name), map(str, frame))}. "
                    f"It has {', '.join(map(str, frame.columns))}"
                )


def _is_number(column: Any) -> bool:
    return column.dtype.kind in "iufb"


def _times(pandas: Any, path: str | Path, column: Any) -> NDArray[Any]:
    if _is_number(column):
        return np.asarray(column.to_numpy())
    try:
        return np.asarray(pandas.to_datetime(column, format="mixed", utc=True).dt.tz_localize(None).to_numpy())
    except ValueError as problem:
        raise DataError(
            f"table {str(path)!r}: column {column.name!r} holds no times ({problem}); wanted numbers, or dates such as "
            "2024-05-31"
        ) from problem


def _check_whole(path: str | Path, frame: Any, name: str, what: str) -> None:
    missing = frame[name].isna().to_numpy()
    if missing.any():
        raise DataError(
            f"table {str(path)!r}: {what} {name!r} is missing in {int(missing.sum()):,} rows, the first in line "
            f"{int(missing.argmax()) + 2}; repair or drop them: df.dropna(subset=[{name!r}]).to_csv(…, index=False)"
        )


def _number(
    name: str, values: NDArray[Any], rows: NDArray[Any], train: NDArray[Any], tell: Callable[[str], Any]
) -> list[Tensor]:
    known = values[train]
    if np.isinf(values).any():
        raise DataError(f"column {name!r} holds an infinite number in row {int(np.isinf(values).argmax())}; repair it")
    if np.isnan(known).all():
        raise DataError(f"column {name!r} is missing in all training rows; leave it out: drop=[{name!r}]")
    mean, deviation = float(np.nanmean(known)), float(np.nanstd(known))
    if np.nanmin(known) == np.nanmax(known):  # whose mean and deviation are rounded: 0.1 and 1e-17
        mean, deviation = float(np.nanmin(known)), 0.0
    missing = np.isnan(values)
    scaled = (np.where(missing, mean, values) - mean) / (deviation or 1.0)
    found, rest = [torch.from_numpy(scaled[rows].astype(np.float32))], ""
    if np.isnan(known).any():
        found.append(torch.from_numpy(missing[rows].astype(np.float32)))
        rest = f"; {int(missing.sum()):,} missing become 0, and one more column says where"
    elif missing.any():
        rest = f"; {int(missing.sum()):,} missing, none in training rows, become 0"
    if deviation:
        tell(
            f"{name}: a number, mean {mean:.4g} and deviation {deviation:.4g} of the training rows become 0 and 1{rest}"
        )
    else:
        tell(f"{name}: a number that does not vary in the training rows, moved to 0{rest}")
    return found


def _category(name: str, column: Any, rows: NDArray[Any], train: NDArray[Any], tell: Callable[[str], Any]) -> Tensor:
    missing = column.isna().to_numpy()
    texts = column.astype(str).to_numpy(str)
    known = np.unique(texts[train][~missing[train]])
    at = np.searchsorted(known, texts).clip(max=max(len(known) - 1, 0))
    found = np.zeros(len(texts), np.int64)
    if len(known):
        found = np.where((known[at] == texts) & ~missing, at + 1, 0)
    rest = f"; {int(missing.sum()):,} missing become 0" if missing.any() else ""
    others = int(((found == 0) & ~missing).sum())
    more = f"; {others:,} of values that the training rows do not have become 0" if others else ""
    tell(f"{name}: a category of {len(known)} values in the training rows, numbered from 1{rest}{more}")
    _doubt(name, texts[train][~missing[train]], tell)
    return torch.from_numpy(found[rows].astype(np.int64))


def _doubt(name: str, texts: NDArray[Any], tell: Callable[[str], Any]) -> None:
    """Say where a category may be none: most of its cells are numbers, or nearly each row has one of its own."""
    values, counts = np.unique(texts, return_counts=True)
    strange = [at for at, text in enumerate(values.tolist()) if not is_number(text)]
    if strange and 2 * counts[strange].sum() < counts.sum():
        share, commonest = 1 - counts[strange].sum() / counts.sum(), quote(str(values[max(strange, key=counts.item)]))
        tell(
            f"{name}: {share:.1%} of its cells are numbers, and {commonest} is none. Where that means that one is "
            f"missing: data.options = {{ na_values = [{commonest}] }}; where it is a number: "
            'thousands = ",", or decimal = ","'
        )
    elif len(values) > max(_FEW, _OWN * len(texts)):
        tell(
            f"{name}: {len(values):,} values in {len(texts):,} training rows, which a model can learn by heart, and "
            "says nothing of other rows; if it is a name, or the number of a row, leave it out: "
            f"drop = [{quote(name)}]"
        )


def is_number(text: str) -> bool:
    """Whether a text is read as a number.

    >>> is_number("1e3"), is_number("1,200"), is_number("?")
    (True, False, False)
    """
    try:
        float(text)
    except ValueError:
        return False
    return True

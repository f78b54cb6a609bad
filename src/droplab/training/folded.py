"""A measure that is no mean over samples, of a loop of the user's own: on all validation samples, and on folds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, final

import numpy as np
from torch import Tensor, cat

from droplab.data.trees import Tree, picked
from droplab.errors import UserError, words_of
from droplab.folds import OTHERS, Pairs, fold_values, folds_for, hashes
from droplab.training.by_sample import Ids, check_kind, digest_of, ids_of, in_order, joined, shown
from droplab.training.numbers import number
from droplab.userobjects import where_raised

CALL = "report_folds"
Function = Callable[[Any, Any], Any]
"""A figure of outputs and targets, one number."""


class Part(NamedTuple):
    """Some samples: what a call of ``run.report_folds`` gives."""

    ids: Ids
    outputs: Tree
    targets: Tree


def part_of(outputs: Any, targets: Any, ids: Any) -> Part:
    """Some samples as they stay until the epoch ends: copies, tensors on the CPU.

    Raises:
        UserError: no ids; outputs or targets that have no row for each of them.

    >>> part_of([0.5, 1.5], (np.array([0, 1]), np.array(["a", "b"])), ids=range(2)).targets
    (array([0, 1]), array(['a', 'b'], dtype='<U1'))
    """
    known = ids_of(ids, CALL)
    return Part(known, _copied("outputs", outputs, len(known)), _copied("targets", targets, len(known)))


def rows_of(tree: Any) -> int:
    """As many samples as the first tensor or array of a tree has.

    >>> rows_of({"logits": [np.zeros((3, 2)), np.zeros(3)]})
    3
    """
    while isinstance(tree, Mapping) or _has_branches(tree):
        tree = next(iter(tree.values() if isinstance(tree, Mapping) else tree))
    return len(tree)


def _has_branches(tree: Any) -> bool:
    return isinstance(tree, tuple | list) and any(isinstance(one, Tensor | np.ndarray | Mapping) for one in tree)


def _copied(what: str, tree: Any, count: int) -> Tree:
    if isinstance(tree, Mapping):
        return {key: _copied(what, branch, count) for key, branch in tree.items()}
    if _has_branches(tree):
        return _rebuilt(tree, [_copied(what, branch, count) for branch in tree])
    found: Any = None
    if isinstance(tree, Tensor):
        found = tree.detach().to("cpu", copy=True)
    else:
        try:
            found = np.array(tree)
        except ValueError:  # ragged
            found = np.empty((), dtype=object)
    if not found.ndim or len(found) != count or found.dtype == object:
        raise UserError(
            f"run.report_folds got {what}={shown(tree)} and {count:,} ids; a tensor or an array with a row for each "
            "sample is wanted, (N, …), or a table or tuple of such"
        )
    return found


class _Found(NamedTuple):
    value: float
    pairs: dict[str, Pairs]
    why_not: str
    samples: int
    digest: str


@final
class Folded:
    """A measure of all samples together, from any number of calls of ``run.report_folds`` in an epoch.

    Samples are put in the order of their ids first, so that the order in which they came is no matter. The measure is
    taken on all of them, on each fold, and on all but each fold's.

    >>> folded = Folded("val_worst")
    >>> folded.add(lambda outputs, targets: abs(outputs - targets).max(), part_of([1.0, 2.0], [1.0, 3.0], range(2)))
    >>> folded.add(lambda outputs, targets: abs(outputs - targets).max(), part_of([3.0, 5.0], [3.0, 4.5], (2, 3)))
    >>> folded.value, folded.pairs["val_worst"], folded.pairs["val_worst/others"]
    (1.0, ((0.0, 1.0), (3.0, 3.0)), ((3.0, 3.0), (0.0, 1.0), (4.0, 4.0)))
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._function: Function | None = None
        self._parts: list[Part] = []
        self._found: _Found | None = None

    def add(self, function: Function, part: Part) -> None:
        """Take some samples; the function of the last call is the one that is asked."""
        if self._parts:
            check_kind(CALL, self.name, part.ids, self._parts[0].ids)
        self._function, self._found = function, None
        self._parts.append(part)

    @property
    def value(self) -> float:
        """On all samples.

        Raises:
            UserError: a sample came twice, batches do not go together, the function raises or gives no number.
        """
        return self._settled().value

    @property
    def pairs(self) -> dict[str, Pairs]:
        """For the ledger; empty where the measure has no value on some fold."""
        return self._settled().pairs

    @property
    def why_not(self) -> str:
        """What kept it from having a value on each fold; empty where it has."""
        return self._settled().why_not

    @property
    def set_digest(self) -> str:
        """Of the samples, whatever their order."""
        return self._settled().digest

    def __len__(self) -> int:
        return self._found.samples if self._found is not None else sum(len(part.ids) for part in self._parts)

    def settle(self) -> None:
        """Take the measure, and let outputs, targets and the function go."""
        self._settled()
        self._parts, self._function = [], None

    def _settled(self) -> _Found:
        if self._found is None:
            ids = joined(CALL, self.name, [part.ids for part in self._parts])
            order = in_order(ids)
            every = tuple(
                self._together(what, [getattr(part, what) for part in self._parts]) for what in ("outputs", "targets")
            )
            value, pairs, why_not = math.nan, dict[str, Pairs](), "there is no sample"
            if len(ids):
                value = self._whole(every, order)
                folds = (hashes(ids) % np.uint64(folds_for(len(ids)))).astype(np.int64)[order]
                pairs, why_not = self._on_folds(every, order, folds, value)
            self._found = _Found(value, pairs, why_not, len(ids), digest_of(ids))
        return self._found

    def _together(self, what: str, trees: list[Tree]) -> Tree:
        try:
            return _concatenated(trees)
        except (KeyError, IndexError, RuntimeError, TypeError, ValueError) as problem:
            raise UserError(
                f"run.report_folds got {what} of {self.name} that do not go together in one epoch "
                f"({words_of(problem)}); every batch is wanted in the same form: give classes in the place of padded "
                "outputs"
            ) from None

    def _asked(self, every: Tree, at: Any) -> Any:
        """The function, on copies of some samples, as it may change what it is given."""
        return self._function(*picked(every, at))  # type: ignore[misc]  # there is one where there are parts

    def _whole(self, every: Tree, order: Any) -> float:
        count = len(order)
        try:
            found = self._asked(every, order)
        except Exception as problem:
            raise UserError(
                f"the function of {self.name} raised {words_of(problem)} (at {where_raised(problem)}); "
                f"run.report_folds calls it with all outputs and all targets of an epoch, here {count:,} samples, and "
                "with parts of them"
            ) from problem
        return number(self.name, found, CALL)

    def _on_folds(self, every: Tree, order: Any, folds: Any, whole: float) -> tuple[dict[str, Pairs], str]:
        if not math.isfinite(whole):
            return {}, f"{whole}"
        here: list[float] = []
        others: list[float] = []
        count = folds_for(len(folds))
        counts = np.bincount(folds, minlength=count).astype(float).tolist()
        if not all(counts):
            return {}, "there is no sample"
        for fold in range(count):
            for found, there in ((here, folds == fold), (others, folds != fold)):
                try:
                    value = float(self._asked(every, order[there]))
                except Exception as problem:  # noqa: BLE001  # an AUROC of one class, say
                    return {}, words_of(problem)
                if not math.isfinite(value):
                    return {}, f"{value}"
                found.append(value)
        pairs = fold_values(here, [*others, whole], counts)
        return dict(zip((self.name, self.name + OTHERS), pairs, strict=True)), ""


def _rebuilt(like: Any, branches: list[Tree]) -> Tree:
    return type(like)(*branches) if hasattr(like, "_fields") else tuple(branches)


def _concatenated(trees: list[Tree]) -> Tree:
    first = trees[0]
    if isinstance(first, Mapping):
        for unlike in (tree.keys() ^ first.keys() for tree in trees):
            if unlike:
                raise KeyError(*unlike)
        return {key: _concatenated([tree[key] for tree in trees]) for key in first}
    if isinstance(first, tuple):
        return _rebuilt(first, [_concatenated(list(branches)) for branches in zip(*trees, strict=True)])
    return cat(trees) if isinstance(first, Tensor) else np.concatenate(trees)

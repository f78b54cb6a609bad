"""Which samples the batch in hand holds, and what a batch is known by."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from droplab.training.digests import update


class _InHand:
    """The batch that an iterator has given last, and whether a step has had it."""

    def __init__(self) -> None:
        self.ids: Tensor | None = None
        self.fresh = False
        self.ahead = False


class Desk:
    """Which samples the batch in hand holds.

    A batch is known by its tensors, or by being the only one that is in hand. Where a loop fetches ahead, or has
    batches of several loaders in hand, only the first way is left.
    """

    def __init__(self) -> None:
        self._hands: dict[object, _InHand] = {}
        self._known: dict[int, tuple[weakref.ref[Tensor], Tensor]] = {}

    def give(self, ticket: object, ids: Tensor | None, batch: Any) -> None:
        """An iterator gives a batch."""
        hand = self._hands.setdefault(ticket, _InHand())
        hand.ahead |= hand.fresh
        hand.ids, hand.fresh = ids, True
        if ids is not None:
            for tensor in tensors_of(batch):
                self._remember(tensor, ids)

    def _remember(self, tensor: Tensor, ids: Tensor) -> None:
        number = id(tensor)
        known = self._known

        def forget(_gone: object) -> None:
            known.pop(number, None)

        known[number] = weakref.ref(tensor, forget), ids

    def leave(self, ticket: object) -> None:
        """An iterator has ended."""
        self._hands.pop(ticket, None)

    def now(self) -> Tensor | None:
        """Ids of the batch in hand; ``None`` where there is none, or it is not clear which."""
        if len(self._hands) != 1:
            return None
        hand = next(iter(self._hands.values()))
        hand.fresh = False
        return None if hand.ahead else hand.ids

    def of(self, batch: Any) -> Tensor | None:
        """Ids of a batch by its tensors."""
        for hand in self._hands.values():
            hand.fresh = False
        for tensor in tensors_of(batch):
            found = self._known.get(id(tensor))
            if found is not None and found[0]() is tensor:
                return found[1]
        return None


def tensors_of(value: Any) -> Iterator[Tensor]:
    """All tensors of a batch, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from tensors_of(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from tensors_of(inner)


def batch_digest(batch: Any) -> str:
    """16 hex digits of a batch's tensors: shapes, types and bits.

    >>> from torch import ones
    >>> batch_digest([ones(2)]) == batch_digest((ones(2),)), len(batch_digest({}))
    (True, 16)
    """
    digest = hashlib.sha256()
    for number, tensor in enumerate(tensors_of(batch)):
        update(digest, str(number), tensor)
    return digest.hexdigest()[:16]

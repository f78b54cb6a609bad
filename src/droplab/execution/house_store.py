"""Checkpoints of the house's own loop, in the layout that they have had since there are any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from droplab.training.port import Loaded, Store

_MODEL = ("model", "beside", "schedules")


@final
class HouseStore:
    """See ``Store``: one model and one optimiser; the last file is of the model alone.

    What an epoch measured is the ledger's, which is compared with after loading.

    Args:
        store: of the run's folder.
        measured: by name, the ledger's figures of each epoch: the primary measure and ``p/SITE``.
        primary: the name of the first.
    """

    def __init__(self, store: Store, measured: Mapping[str, tuple[float, ...]], primary: str) -> None:
        self._store, self._measured, self._primary = store, measured, primary

    def check(self, state: dict[str, Any], /) -> None:
        """See ``Store``."""
        self._store.check(_written(state))

    def save(self, epochs_done: int, state: dict[str, Any], /, *, keep: int) -> None:
        """See ``Store``."""
        written = _written(state)
        if keep == 1:
            written = {name: written[name] for name in _MODEL}
        self._store.save(epochs_done, written, keep=keep)

    def latest(self, at_most: int | None = None, /) -> Loaded | None:
        """See ``Store``."""
        found = self._store.latest(at_most)
        if found is None:
            return None
        state, last = found.state, found.epochs_done - 1
        then = {name: series[last] for name, series in self._measured.items() if last < len(series)}
        read: dict[str, Any] = {
            # older files have nothing beside, nor of schedules
            "models": {"model": {"model": state["model"], **{name: state.get(name, {}) for name in _MODEL[1:]}}},
            "keep": {"optimizer": state["optimizer"]} if "optimizer" in state else None,
            "generators": state.get("generators"),
            "rates": {name: value for name, value in then.items() if name != self._primary},
        }
        if self._primary in then:
            read["reported"] = then[self._primary]
        return Loaded(found.epochs_done, read)


def _written(state: Mapping[str, Any]) -> dict[str, Any]:
    return {**state["models"]["model"], "optimizer": state["keep"]["optimizer"], "generators": state["generators"]}

"""What a run remembers of figures that it reports sample by sample, from epoch to epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, final

from droplab.errors import UserError
from droplab.records import Measure, SampleValues
from droplab.training.folded import Folded
from droplab.training.gathering import Gathered
from droplab.training.once import Once


@final
class Sampled:
    """Holds every epoch to the samples of the first one, and tells the best epoch so far.

    Args:
        first: the primary measure.
        megabytes: that a run may keep of single samples, of two epochs.
        once: is told where that is not enough.
    """

    def __init__(self, first: Measure, megabytes: float, once: Once) -> None:
        self._first, self._megabytes, self._once = first, megabytes, once
        self._sets: dict[str, str] = {}
        self._best = math.nan

    def check(self, samples: Mapping[str, Gathered | Folded], epoch: int) -> None:
        """See that the samples are those of the first epoch.

        Raises:
            UserError: they are others, so that epochs cannot be compared.
        """
        for name, gathered in samples.items():
            digest = gathered.set_digest
            if self._sets.setdefault(name, digest) != digest:
                raise UserError(
                    f"epoch {epoch + 1} reported {name} of other samples than the epochs before ({len(gathered)} now); "
                    "report the same samples, with the same ids, in every epoch"
                )

    def tell(self, measures: Sequence[Measure], samples: Mapping[str, Gathered | Folded], epoch: int) -> None:
        """What one sample is worth to measures that count samples; which have no value on some fold. Once each."""
        counted = [measure.name for measure in measures if measure.counted]
        sizes = {name: len(samples[f"val_{name}"]) for name in counted if f"val_{name}" in samples}
        if sizes:
            count = max(sizes.values())
            self._once.tell("one_sample", {"what": ", ".join(sizes), "count": count, "step": 1 / count})
        for name, one in samples.items():
            if isinstance(one, Folded) and one.why_not:
                self._once.tell("not_on_folds", {"what": name, "epoch": epoch + 1, "why": one.why_not})

    def is_best(self, figures: Mapping[str, float]) -> bool:
        """Whether the primary measure is better than ever."""
        value, sign = figures[f"val_{self._first.name}"], self._first.sign
        best = math.isnan(self._best) or sign * value > sign * self._best
        if best:
            self._best = value
        return best

    def kept(self, samples: Mapping[str, Gathered]) -> dict[str, SampleValues]:
        """What the ledger is to have of single samples: all, or nothing where it is too much."""
        if not self._megabytes or not samples:
            return {}
        found = {name: gathered.values for name, gathered in samples.items()}
        wanted = 2 * sum(map(_bytes, found.values())) / 1e6
        if wanted <= self._megabytes:
            return found
        self._once.tell("samples_not_kept", {"wanted": round(wanted, 3), "allowed": round(self._megabytes, 3)})
        return {}

    def state(self) -> dict[str, Any]:
        """For checkpoints."""
        return {"sets": dict(self._sets), "best": self._best}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """The inverse; older checkpoints have none."""
        self._sets = dict(state.get("sets", {}))
        self._best = state.get("best", math.nan)


def _bytes(samples: SampleValues) -> int:
    ids = sum(len(one.encode()) + 4 if isinstance(one, str) else 8 for one in samples.ids)
    return ids + 4 * len(samples.values)

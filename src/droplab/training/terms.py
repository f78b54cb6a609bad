"""What is the same for all runs of an experiment on a loop of the user's own."""

from __future__ import annotations

from dataclasses import dataclass

from droplab.records import Measure
from droplab.resampling import Resample


@dataclass(frozen=True)
class Terms:
    """Crosses process borders."""

    measures: tuple[Measure, ...]
    epochs: int
    """0 where the loop says how many."""
    device: str
    keep_samples: float = 0.0
    """MB that a run may keep of figures of single samples."""
    resample: Resample = False
    """Whether ``run.split`` draws a split of the run's seed, and how."""

    @property
    def report(self) -> str:
        """The call that a loop makes once an epoch.

        >>> Terms((Measure("loss", "lower"), Measure("f1", "higher")), 0, "cpu").report
        'run.report(val_loss=…, val_f1=…)'
        """
        return f"run.report({', '.join(f'val_{measure.name}=…' for measure in self.measures)})"

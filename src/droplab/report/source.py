"""What a page is made of, from an open ledger."""

from __future__ import annotations

from droplab.analysis import Verdict
from droplab.contents import NOTHING, ChangedSamples
from droplab.ledger import OpenLedger
from droplab.records import ChangedImages, ExperimentRecord
from droplab.report.payload import PageSource


def page_source(
    ledger: OpenLedger,
    record: ExperimentRecord,
    verdict: Verdict,
    changed: ChangedImages,
    samples: ChangedSamples = NOTHING,
) -> PageSource:
    """Everything that a page of an experiment is made of.

    Args:
        ledger: the experiment's, open.
        record: what it holds.
        verdict: what the statistics allow to say of that.
        changed: images that arms see differently, or why there are none.
        samples: other samples that they see differently.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    design = ledger.design()
    return PageSource(
        record=record,
        verdict=verdict,
        created=design["created"],
        steps_per_epoch=_steps(record),
        environments=ledger.environments(),
        plan={**design["plan"], **design["calibration"]},
        histograms={key: ledger.histograms(key) for key in record.runs},
        changed=changed,
        samples=samples,
    )


def _steps(record: ExperimentRecord) -> int:
    if "loop" in record.spec:
        return 1  # what only the loop knows
    from droplab.spec.tables import RecipeSpec, steps_per_epoch  # pydantic, which who reads a verdict does without

    recipe = record.spec["recipe"]
    batches = {key: recipe[key] for key in ("batch_size", "drop_last") if key in recipe}
    return steps_per_epoch(record.sizes["train"], RecipeSpec(**batches))  # the user's optimiser need not be at hand

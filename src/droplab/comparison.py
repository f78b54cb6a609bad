"""``droplab.compare``: from a spec to results with a verdict, in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from droplab.analysis import wanted
from droplab.asked import as_loop, as_spec, only_for_specs
from droplab.execution import run_experiment
from droplab.listener import Listener, Silent
from droplab.measures import MeasuresLike
from droplab.results import Results
from droplab.spec import ExperimentSpec
from droplab.spec.loop import LoopSpec
from droplab.tracking import Tracker
from droplab.training.run import Loop


def compare(
    spec: Loop | LoopSpec | ExperimentSpec | Mapping[str, Any] | str | Path | None = None,
    *,
    arms: Sequence[Any] | None = None,
    seeds: int | Sequence[int] | str | None = None,
    margin: float | None = None,
    looks: Sequence[int] | None = None,
    endpoints: str | None = None,
    resample: bool | str | None = None,
    measures: MeasuresLike | None = None,
    epochs: int | None = None,
    name: str | None = None,
    baseline: str | None = None,
    keep_samples: float | None = None,
    compute: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    fresh: bool = False,
    data_dir: str | Path | None = None,
    track: Sequence[str] = (),
    listener: Listener | None = None,
    model: Callable[..., Any] | str | None = None,
    data: Any = None,
    allow_random_baseline: bool = False,
    accept_changed_code: bool = False,
) -> Results:
    """Run an experiment, or the rest of one, and judge it.

    The experiment is a training loop of yours, a function that takes a ``droplab.Run``; or a spec, which droplab's own
    loop trains. ``arms`` to ``compute`` belong to a loop of yours; a spec has them inside.

    ``model`` and ``data`` may be functions themselves. One that other processes can import goes by its name. Any other
    (a lambda, a function of a script or a notebook) is known to this process alone: runs are then made one
    after another here, which is said, and the ledger keeps its name with a digest of its code.

    Args:
        spec: a loop, ``train(run)``, or its name, ``"pkg.module:train"``; an ``ExperimentSpec``, the same as nested
            mappings, the path of a TOML file, or ``None`` for the embedded demonstration.
        arms: drop rates (``0.1``), rates by site (``{"encoder.*": 0.3}``), or arms as in a spec; the first is the
            baseline unless ``baseline`` names another. More arms than before are added.
        seeds: a number of seeds, or a list; more than before are added. ``"until-decided"``: as many as it takes.
        margin: the smallest difference of the first measure that matters, in its own unit; inside it arms are
            practically equal.
        looks: numbers of seeds at which results are looked at; those of ``"until-decided"`` are 3, 5, 8, 12, 16 and 20.
        endpoints: ``"2"``, the measure as deployed first; ``"1"``, the last epoch. New experiments have ``"2"``.
        resample: ``True``: each seed draws its own training and validation samples, which the loop asks for with
            ``run.split``; ``"5-fold"``: seed s validates on fold s mod 5 of repeat s // 5.
        measures: what the loop reports, with the better direction: ``{"loss": "lower", "f1": "higher"}``; the first is
            decided on.
        epochs: for ``run.epochs()``; where absent, the loop says how many.
        name: shown in titles, and part of the folder's name; the loop's where absent.
        baseline: the name of the arm that the others are compared with.
        keep_samples: MB in the ledger for figures of single validation samples, which a loop gives to
            ``run.report_samples``: of the last epoch and the best one of every run. By default only their sums on folds
            are kept.
        compute: as a spec's: ``{"executor": "process", "workers": 2, "threads": 1, "device": "cpu"}``.
        out: the experiment's folder; by default one under ``droplab-runs`` named after the spec, so that
            the same call continues.
        fresh: start anew in a folder that does not exist yet.
        data_dir: where data sets are looked for (default: ``DROPLAB_DATA``, then the user's cache).
        track: sinks that mirror the metrics meanwhile: ``wandb``, ``trackio``, ``mlflow``, ``tensorboard`` or
            ``pkg.module:Class``. Whatever happens to them, training goes on.
        listener: follows the progress.
        model: in the place of the spec's model: a name, a function, or a class.
        data: in the place of the spec's data: a name, a path, a function, or what such a function returns.
        allow_random_baseline: train an arm without dropout although the model drops by itself; the verdict says so.
        accept_changed_code: continue although the code that the spec names is another now; the verdict says so.

    Returns:
        The results, also where some runs failed: see ``results.record.runs``.

    Raises:
        UserError: the spec does not hold, or does not fit data, model or folder.
        FailureError: the ledger or the folder failed, or the call was interrupted; finished epochs are kept.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     results = compare(
    ...         {"data": {"train_size": 64}, "recipe": {"epochs": 1}, "seeds": 1, "compute": {"executor": "serial"}},
    ...         out=folder,
    ...     )
    >>> sorted({run.state for run in results.record.runs.values()})
    ['done']
    """
    over = {
        "arms": arms,
        "seeds": seeds,
        "margin": margin,
        "looks": looks,
        "endpoints": endpoints,
        "resample": resample,
        "measures": measures,
        "epochs": epochs,
        "name": name,
        "baseline": baseline,
        "keep_samples": keep_samples,
        "compute": compute,
    }
    loop = as_loop(spec, {key: value for key, value in over.items() if value is not None})
    if loop is not None:
        only_for_specs(data_dir=data_dir, model=model, data=data)
    asked, alone = as_spec(spec, model, data) if loop is None else (loop, "")
    with Tracker(listener or Silent(), track) as tracker:
        if alone:
            tracker.say(alone)
        finished = run_experiment(
            asked,
            out=Path(out) if out is not None else None,
            fresh=fresh,
            data_dir=Path(data_dir) if data_dir is not None else None,
            listener=tracker,
            allow_random_baseline=allow_random_baseline,
            accept_changed_code=accept_changed_code,
            wanted=wanted,
        )
        results = Results(finished.folder, finished.record)
        results.conclude(tracker)
    return results

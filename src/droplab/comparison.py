"""``droplab.compare``: from a spec to results with a verdict, in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from droplab.analysis import Effect, Verdict, judge, wanted
from droplab.asked import as_loop, as_spec, only_for_specs
from droplab.errors import FailureError, UserError
from droplab.execution import StoredRun, run_experiment
from droplab.execution.amend import forget_run, rename_experiment
from droplab.execution.changed_images import changed_images
from droplab.execution.final import FinalFigures, final_figures
from droplab.execution.trained import trained_models
from droplab.ledger import open_experiment, read_experiment
from droplab.listener import Listener, Silent
from droplab.measures import MeasuresLike
from droplab.records import ExperimentRecord, RunKey, SampleValues
from droplab.report import build_page, page_source, render, summaries
from droplab.report.figures import WIDTH, Figure, draw, sheet_of, themed
from droplab.report.writing import check_free, whole_file
from droplab.spec import ExperimentSpec
from droplab.spec.loop import LoopSpec
from droplab.tracking import Tracker, own_runs, write_verdict
from droplab.training.run import Loop

if TYPE_CHECKING:
    from pandas import DataFrame
    from torch import nn


@dataclass(frozen=True)
class Results:
    """An experiment's folder and what its ledger holds; the statistics are computed when asked for.

    ``print(results)`` shows the verdict in English; ``results.text("ja")`` in Japanese.
    """

    folder: Path
    record: ExperimentRecord

    @classmethod
    def read(cls, folder: str | Path) -> Results:
        """Results of a folder, finished or not.

        Raises:
            UserError: the folder holds no experiment.
        """
        return cls(Path(folder), read_experiment(Path(folder)))

    @cached_property
    def verdict(self) -> Verdict:
        """What the statistics allow to say."""
        return judge(self.record)

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Every endpoint of every arm: mean paired difference, interval, adjusted p-value, status."""
        return tuple(self.verdict.effects)

    @property
    def runs(self) -> tuple[StoredRun, ...]:
        """The runs, for ``final_evaluation``."""
        return tuple(StoredRun(self.folder, key) for key in self.record.runs)

    def model(
        self, arm: str, seed: int, *, data_dir: str | Path | None = None, loop: Loop | None = None, name: str = "model"
    ) -> nn.Module:
        """A finished run's trained model: its last weights, in eval mode, on the CPU.

        Its dropout layers have the rates of the run's last step. The model function is called again, so it must
        be there as it was.

        Args:
            arm: an arm's name.
            seed: one of the experiment's seeds.
            data_dir: for experiments older than droplab 0.2, whose ledgers do not know the samples' shape: where the
                data set is, if it has moved.
            loop: of an experiment on a loop of your own that its name does not lead to, such as a lambda's. The loop is
                called as far as ``run.epochs``, to build its models.
            name: of the model, where that loop prepares several.

        Raises:
            UserError: no such arm or seed, a run that is not done, or a model that is another one now.
            CheckpointError: its last checkpoint is missing or damaged.
        """
        where = Path(data_dir) if data_dir is not None else None
        models = trained_models(self.folder, arm, seed, loop=loop, data_dir=where)
        if name not in models:
            raise UserError(f"the loop has no model {name!r}; it prepares {', '.join(map(repr, models))}")
        return models[name]

    def final_figures(
        self, arm: str, seed: int, test: Callable[[Any], Mapping[str, Any]], *, loop: Loop | None = None
    ) -> FinalFigures:
        """Open the test set for a finished run of a loop of your own; the ledger records that it was opened.

        Do this once, after every choice is made. Keep the test set to ``test`` alone: droplab cannot know what else a
        loop reads.

        Args:
            arm: an arm's name.
            seed: one of the experiment's seeds.
            test: called with the run's model, in eval mode, on the CPU, with its last weights; with a dict of models
                by name where the loop prepares several. Returns figures by name.
            loop: as ``model``'s.

        Raises:
            UserError: no such run, one that is not done, models that cannot be built again, or no figures.
            CheckpointError: the run's last checkpoint cannot be read.
            LockedError: the experiment is running.
        """
        return final_figures(StoredRun(self.folder, RunKey(arm, seed)), test, loop=loop)

    def samples(self, arm: str, seed: int) -> dict[int, dict[str, SampleValues]]:
        """Figures of single validation samples: ``{epoch: {"val_NAME": SampleValues}}``, epochs counted from 0.

        Of a run's last epoch and of its best one, where ``keep_samples`` kept them; else there are none.

        Raises:
            LedgerError: no such run.
        """
        with open_experiment(self.folder) as ledger:
            return ledger.samples(RunKey(arm, seed))

    def forget(self, arm: str, seed: int, reason: str = "") -> Results:
        """Forget a run, and its checkpoints; ``compare`` trains it again. The ledger and the verdict say so.

        Raises:
            UserError: no such run.
            LockedError: the experiment is running.
        """
        forget_run(self.folder, arm, seed, reason)
        return Results.read(self.folder)

    def rename(self, name: str) -> Results:
        """Show the experiment under another name; its folder stays where it is.

        Raises:
            UserError: a name without characters, or with more than 120.
            LockedError: the experiment is running.
        """
        rename_experiment(self.folder, name)
        return Results.read(self.folder)

    def text(self, lang: str = "en") -> str:
        """The verdict in plain words; ``lang`` is ``en`` or ``ja``."""
        return render(self.verdict, self.record, lang)

    def write_page(
        self,
        path: str | Path | None = None,
        lang: str = "en",
        *,
        data_dir: str | Path | None = None,
        replace: bool = True,
    ) -> Path:
        """Write the page: one HTML file that needs no network.

        Args:
            path: default: ``report.html`` in the experiment's folder.
            lang: language in which it opens, ``en`` or ``ja``; readers can switch.
            data_dir: where the data set is, if it has moved; without it the page shows no images.
            replace: put it in the place of a file that is there; the folder's own page is always replaced.

        Returns:
            The page's path.

        Raises:
            UserError: another language, a folder, or a file that is there and not to be replaced.
            FailureError: the file cannot be written.
        """
        target = Path(path) if path is not None else self.folder / "report.html"
        replace = replace or path is None
        check_free(target, replace=replace, how="--force replaces it")
        with open_experiment(self.folder) as ledger:
            where = Path(data_dir) if data_dir is not None else None
            source = page_source(ledger, self.record, self.verdict, changed_images(ledger, self.record, where))
        text = build_page(source, lang)
        with whole_file(target, replace=replace, how="--force replaces it") as file:
            file.write(text)
        return target

    def figure(
        self, name: str = "answer", *, arm: str = "", lang: str = "en", width: str = WIDTH, dark: bool = False
    ) -> Figure:
        """A figure for a paper: notebooks show it, ``save("answer.pdf")`` writes it as SVG, PNG or PDF.

        Args:
            name: ``answer``, ``slopes``, ``doses``, ``effects``, ``when``, ``curves``, ``inside``, or a part of one,
                such as ``when.val_accuracy``; ``droplab figure DIR`` lists those that there are.
            arm: the arm that is shown beside the baseline; by default the one that the page shows first.
            lang: ``en`` or ``ja``.
            width: in millimetres or pixels, ``"85mm"`` or ``"640px"``; type has the same size in every width.
            dark: light marks on a dark ground.

        Raises:
            UserError: no such figure, arm, language or width, or nothing to draw it from yet.
        """
        sheet = sheet_of(self.folder, self.record, self.verdict, lang, arm=arm, name=name)
        return draw(sheet, name, themed(dark=dark), width)

    def share_verdict(self, sink: str = "") -> tuple[str, ...]:
        """Write the verdict into the summaries of the runs that the loop itself has in W&B, MLflow or TensorBoard.

        ``droplab.compare`` and ``droplab.study`` do it when all runs have ended.

        Args:
            sink: ``wandb``, ``mlflow`` or ``tensorboard`` alone, offline runs too, once they are uploaded.

        Returns:
            Lines for the user: what could not be written, and how to do it later.
        """
        if not own_runs(self.record):
            return ()
        return tuple(write_verdict(self.record, summaries(self.verdict, self.record), self.folder, sink))

    def to_pandas(self) -> DataFrame:
        """One row per run and epoch (counted from 1), one column per metric.

        Raises:
            FailureError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise FailureError("to_pandas() needs pandas: pip install 'droplab[pandas]'") from None
        rows: list[dict[str, Any]] = [
            {"arm": key.arm, "seed": key.seed, "epoch": epoch + 1}
            | {name: series[epoch] for name, series in run.metrics.items()}
            for key, run in self.record.runs.items()
            for epoch in range(run.epochs_done)
        ]
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        return self.text()


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
        for line in results.share_verdict():
            tracker.say(line)
    return results

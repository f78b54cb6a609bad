"""What an experiment found: its folder, its ledger, and all that is made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from droplab.analysis import Effect, Verdict, judge
from droplab.errors import FailureError, UserError
from droplab.execution import StoredRun
from droplab.execution.amend import forget_run, rename_experiment
from droplab.execution.changed_images import changed_images
from droplab.execution.changed_samples import changed_samples
from droplab.execution.final import FinalFigures, final_figures
from droplab.execution.trained import trained_models
from droplab.ledger import open_experiment, read_experiment
from droplab.records import Conclusion, ExperimentRecord, RunKey, SampleValues
from droplab.report import build_page, conclusion, page_source, render, summaries
from droplab.report.figures import WIDTH, Figure, draw, sheet_of, themed
from droplab.report.writing import check_free, whole_file
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

        Of a run's last epoch and of its best one, where ``keep_samples`` kept them; of a spec with a task the loss of
        each, ``val_loss``, at the last epoch; else there are none.

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
        where = Path(data_dir) if data_dir is not None else None
        with open_experiment(self.folder) as ledger:
            images, samples = changed_images(ledger, self.record, where), changed_samples(ledger, self.record, where)
            source = page_source(ledger, self.record, self.verdict, images, samples)
        text = build_page(source, lang)
        with whole_file(target, replace=replace, how="--force replaces it") as file:
            file.write(text)
        return target

    def conclusion(self, lang: str = "en") -> Conclusion:
        """What sinks are told of the verdict; ``lang`` is ``en`` or ``ja``."""
        return conclusion(self.verdict, self.record, lang)

    def conclude(self, tracker: Tracker) -> None:
        """Tell sinks the verdict, those of the tracker and those in which the loop has runs of its own."""
        if tracker.names:
            tracker.conclude(self.conclusion(tracker.lang))
        for line in self.share_verdict():
            tracker.say(line)

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

"""``droplab export``."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

ABOUT = "Write an experiment's numbers in other formats, or what a sink missed."


def csv(
    folder: Path,
    *,
    effects: bool = False,
    output: Path | None = None,
    force: Annotated[bool, Parameter(negative="")] = False,
    lang: str | None = None,
) -> None:
    """Write metrics as CSV: one row per run, epoch and metric; or the effects with their intervals.

    Args:
        folder: The experiment's folder.
        effects: The effects instead of the metrics.
        output: The file (default: standard output).
        force: Replace the file of --output if it is there.
        lang: Language, en or ja (default: $DROPLAB_LANG, then the system's).
    """
    from droplab.cli.terminal import hand_out
    from droplab.cli.words import language
    from droplab.report import write_effects, write_metrics
    from droplab.report.writing import whole_file
    from droplab.results import Results

    language(lang)
    results = Results.read(folder)

    def write(stream: object) -> None:
        if effects:
            write_effects(results.verdict, stream)  # type: ignore[arg-type]
        else:
            write_metrics(results.record, stream)  # type: ignore[arg-type]

    if output is None:
        held = io.StringIO()
        write(held)
        hand_out(held.getvalue())
        return
    with whole_file(output, replace=force, how="--force replaces it") as file:
        write(file)


def wandb(
    folder: Path,
    *,
    report: bool = False,
    verdict: Annotated[bool, Parameter(negative="")] = False,
    lang: str | None = None,
) -> None:
    """Write an experiment to Weights & Biases, or what it missed: online when logged in, else as offline files.

    Args:
        folder: The experiment's folder.
        report: Also build and upload the tutorial's report of curves; needs an account and WANDB_ENTITY.
        verdict: Only the verdict, into the runs that the training loop itself has there.
        lang: Language of the report, en or ja (default: $DROPLAB_LANG, then the system's).
    """
    from droplab.cli.words import language
    from droplab.errors import UserError
    from droplab.report import report_words
    from droplab.results import Results

    lang = language(lang)
    if verdict:
        _share_verdict(folder, "wandb")
        return
    _mirror(folder, "wandb")
    if not report:
        return
    from importlib.util import find_spec

    if find_spec("wandb_workspaces") is None:
        raise UserError("the report needs a package that is not here: pip install 'droplab[wandb]'")
    from droplab.cli.terminal import say
    from droplab.tracking.wandb_report import build_report, save_report

    results = Results.read(folder)
    words = report_words(results.record.measures, lang)
    say(save_report(build_report(results.record, results.conclusion(lang), words)))


def sink(name: str, folder: Path, *, lang: str | None = None) -> None:
    """Write an experiment to a sink of your own, or what it missed; `export pkg.module:Class DIR` does it too.

    Args:
        name: pkg.module:Class.
        folder: The experiment's folder.
        lang: Language, en or ja (default: $DROPLAB_LANG, then the system's).
    """
    from droplab.cli.words import language

    language(lang)
    _mirror(folder, name)


def _mirror(folder: Path, name: str) -> None:
    from droplab.analysis import judge
    from droplab.cli.terminal import say
    from droplab.cli.translating import translate
    from droplab.cli.words import language
    from droplab.ledger import read_experiment
    from droplab.report import conclusion
    from droplab.tracking import check_sinks, mirror

    check_sinks([name])
    record = read_experiment(folder)
    for line in mirror(folder, name, conclusion(judge(record), record, language())):
        say(translate(line, language()))


def _share_verdict(folder: Path, name: str) -> None:
    from droplab.cli.terminal import say
    from droplab.cli.translating import translate
    from droplab.cli.words import language
    from droplab.results import Results

    for line in Results.read(folder).share_verdict(name):
        say(translate(line, language()))


def _to(name: str) -> Callable[..., None]:
    """A command for a sink that needs to know nothing but the folder."""

    def command(folder: Path, *, lang: str | None = None) -> None:
        from droplab.cli.words import language

        language(lang)
        _mirror(folder, name)

    command.__doc__ = (
        f"{_DOES.get(name, f'Write an experiment to the sink {name}, or what it missed.')}\n\nArgs:\n"
        "    folder: The experiment's folder.\n"
        "    lang: Language, en or ja (default: $DROPLAB_LANG, then the system's).\n"
    )
    return command


def _to_or_own(name: str) -> Callable[..., None]:
    """A command for a sink in which a training loop may have runs of its own."""

    def command(
        folder: Path, *, verdict: Annotated[bool, Parameter(negative="")] = False, lang: str | None = None
    ) -> None:
        from droplab.cli.words import language

        language(lang)
        if verdict:
            _share_verdict(folder, name)
        else:
            _mirror(folder, name)

    command.__doc__ = (
        f"{_DOES[name]}\n\nArgs:\n"
        "    folder: The experiment's folder.\n"
        "    verdict: Only the verdict, into the runs that the training loop itself has there.\n"
        "    lang: Language, en or ja (default: $DROPLAB_LANG, then the system's).\n"
    )
    return command


_DOES = {
    "trackio": "Write an experiment to Trackio's local dashboard, or what it missed.",
    "mlflow": "Write an experiment to MLflow, or what it missed: into the folder, or to $MLFLOW_TRACKING_URI.",
    "tensorboard": "Write an experiment's TensorBoard event files.",
}


def commands() -> Mapping[str, Callable[..., None]]:
    """By their second word; every sink has one."""
    from droplab.tracking import SINKS

    return {
        "csv": csv,
        **{name: _to(name) for name in SINKS},
        "wandb": wandb,
        "mlflow": _to_or_own("mlflow"),
        "tensorboard": _to_or_own("tensorboard"),
        "sink": sink,
    }

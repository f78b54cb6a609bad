"""``droplab judge``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from droplab.cli.verdict import Form


def judge(
    source: Path,
    *,
    measure: str,
    arm: str = "",
    seed: str = "seed",
    epoch: str = "",
    baseline: str = "",
    margin: float | None = None,
    lang: str | None = None,
    form: Annotated[Form, Parameter(name=["--form"])] = "text",
    json: Annotated[bool, Parameter(negative="")] = False,
    page: Path | None = None,
    force: Annotated[bool, Parameter(negative="")] = False,
    exit_code: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Judge runs that were trained and recorded elsewhere, by the same statistics.

    A CSV file, an MLflow store, W&B's offline runs, Hugging Face's trainer_state.json, TensorBoard's event files or
    Lightning's CSV logs; a folder is searched for them.

    Args:
        source: The file or folder.
        measure: What decides: NAME, or NAME:higher where higher is better; more may follow after commas.
        arm: The column or field that tells arms apart, or several, separated by commas; everything but the seed where
            absent.
        seed: The column or field of the seed.
        epoch: In a table, the column of epochs.
        baseline: The arm that the others are compared with; the first where absent.
        margin: The smallest difference that matters; inside it arms are practically equal.
        lang: Language, en or ja (default: $DROPLAB_LANG, then the system's).
        form: text, json, markdown or latex, as of droplab verdict.
        json: The same as --form json.
        page: Also write the page, one HTML file, there.
        force: Replace the file of --page if it is there.
        exit_code: As of droplab verdict.
    """
    from droplab.cli.terminal import say
    from droplab.cli.verdict import tell
    from droplab.cli.words import language, words
    from droplab.judging import judge as judge_runs

    lang = language(lang)
    measures = [name for name in measure.split(",") if name.strip()]
    found = judge_runs(source, measure=measures, arm=arm, seed=seed, epoch=epoch, baseline=baseline, margin=margin)
    if page is not None:
        found.write_page(page, lang, replace=force)
    tell(found.verdict, found.record, lang, "json" if json else form, exit_code=exit_code)
    if page is not None and form == "text" and not json:
        say("\n" + words("page.at", address=page.absolute().as_uri()))

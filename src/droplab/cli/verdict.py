"""``droplab verdict``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from droplab.cli.written import listed

if TYPE_CHECKING:
    from droplab.analysis import Verdict
    from droplab.records import ExperimentRecord

Form = Literal["text", "json", "markdown", "latex"]


def verdict(
    folder: Path,
    *,
    lang: str | None = None,
    baseline: str = "",
    arms: str = "",
    form: Annotated[Form, Parameter(name=["--form"])] = "text",
    json: Annotated[bool, Parameter(negative="")] = False,
    exit_code: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Print the verdict of an experiment, finished or not.

    Args:
        folder: The experiment's folder.
        lang: Language, en or ja (default: $DROPLAB_LANG, then the system's).
        baseline: Compare with this arm instead; nothing is trained, and the verdict says that it was chosen afterwards.
        arms: Compare these arms only, separated by commas, with the first of them or --baseline.
        form: text; json, whose form docs/verdict.md describes; a markdown or latex table with a row for each arm.
        json: The same as --form json.
        exit_code: End with 0 where another arm is recommended, 3 where all is answered and none is, 4 where not all is.
    """
    from droplab.analysis import judge
    from droplab.analysis.afterwards import chosen
    from droplab.cli.words import language
    from droplab.ledger import read_experiment

    lang = language(lang)
    whole = read_experiment(folder)
    record, family = chosen(whole, baseline, [name for name in listed(arms, whole.arms) if name])
    tell(judge(record, family=family), record, lang, "json" if json else form, exit_code=exit_code)


def tell(found: Verdict, record: ExperimentRecord, lang: str, form: Form, *, exit_code: bool) -> None:
    """Print a verdict in one of its forms, and end with its exit code where that is asked for."""
    from json import dumps

    from droplab.cli.answering import say_verdict
    from droplab.cli.terminal import finish, hand_out, say
    from droplab.report import exit_code_of, rows, verdict_json

    if form == "json":
        hand_out(dumps(verdict_json(found, record), ensure_ascii=False, indent=2) + "\n")
    elif form == "text":
        say_verdict(found, record, lang)
    else:
        say(rows(found, record, form, lang))
    if exit_code:
        finish()
        sys.exit(exit_code_of(found))

"""``droplab figure``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from droplab.records import ExperimentRecord
    from droplab.report.figures import Listed

Form = Literal["svg", "png", "pdf"]


def figure(
    folder: Path,
    name: str = "",
    *,
    form: Annotated[Form | None, Parameter(name=["--format"])] = None,
    out: Path | None = None,
    force: Annotated[bool, Parameter(negative="")] = False,
    arm: str = "",
    width: str = "170mm",
    dark: Annotated[bool, Parameter(negative="")] = False,
    listing: Annotated[bool, Parameter(name=["--list"], negative="")] = False,
    lang: str | None = None,
) -> None:
    """Draw a figure of an experiment for a paper, finished or not; without a name, list the main ones that there are.

    Args:
        folder: The experiment's folder.
        name: The figure, answer say, or one of its parts, when.val_accuracy say.
        form: svg, png (300 dots an inch) or pdf (default: as --out ends, else svg); png and pdf want an extra package.
        out: The file (default: figures/NAME.svg in the folder, which is replaced).
        force: Replace the file of --out if it is there.
        arm: The arm that is shown beside the baseline (default: the one that the page shows first).
        width: In mm or px, 85mm say; type has the same size in every width.
        dark: Light marks on a dark ground.
        listing: List all figures that there are, with what each shows.
        lang: Language of the figure, en or ja (default: $DROPLAB_LANG, then the system's).
    """
    from droplab.analysis import judge
    from droplab.cli.terminal import columns, say
    from droplab.cli.words import language, words
    from droplab.errors import UserError
    from droplab.ledger import read_experiment
    from droplab.report.figures import draw, listed, sheet_of, themed

    lang = language(lang)
    record = read_experiment(folder)
    if not name and not listing and (out is not None or form is not None):
        raise UserError("name the figure that is to be written; `droplab figure DIR --list` lists all")
    wanted = "" if listing else name
    sheet = sheet_of(folder, record, judge(record), lang, arm=arm, name=wanted)
    if not wanted:
        _tell(folder, record, listed(sheet), lang, every=listing)
        return
    made = draw(sheet, wanted, themed(dark=dark), width)
    if out is None:
        named = re.sub(r"[^-.\w]+", "-", wanted)  # letters of every language, or tensors would share a file
        target = folder / "figures" / f"{named}.{form or 'svg'}"
        target.parent.mkdir(exist_ok=True)
        written = made.save(target)
    else:
        written = made.save(out, replace=force, form=form or "")
    say(words("figure.at", address=written.absolute().as_uri()) if columns() else written)  # scripts take the path


def _tell(folder: Path, record: ExperimentRecord, found: list[Listed], lang: str, *, every: bool) -> None:
    """The figures that there are, or the main ones; those that there are not yet, and the panels that have none."""
    from droplab.cli.tabling import Column, tell
    from droplab.cli.terminal import say
    from droplab.cli.translating import translate
    from droplab.cli.words import words
    from droplab.report import texts
    from droplab.report.figures import WITHOUT

    heads = [Column("name", words("figure.name")), Column("says", words("figure.shows"), prose=True)]
    shown = [one for one in found if not one.why and (every or one.main)]
    tell(heads, [[one.name, one.says] for one in shown], f"{record.name} · {folder}")
    more = sum(not one.why for one in found) - len(shown)
    if more:
        say(words("figure.more", count=more))
    for one in found:
        if one.why:
            say(words("figure.missing", name=one.name, why=translate(one.why, lang)))
    for panel in WITHOUT:
        say(words("figure.none", panel=panel, why=texts(lang)[f"figure.none.{panel}"]))

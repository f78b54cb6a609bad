"""A figure that is drawn: SVG, shown by notebooks, saved in the form that a file's name says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from droplab.errors import UserError, suggest
from droplab.report.figures.converting import converted
from droplab.report.writing import check_free, whole_bytes

FORMS = ("svg", "png", "pdf")


@dataclass(frozen=True)
class Figure:
    """A figure as SVG. Notebooks show it; ``save`` writes it."""

    name: str
    svg: str

    def bytes(self, form: str = "svg") -> bytes:
        """The figure in a form.

        Args:
            form: ``svg``, ``png`` (300 dots an inch) or ``pdf``.

        Raises:
            UserError: another form.
            FailureError: PNG or PDF, and the package that makes them is not here.
        """
        if form not in FORMS:
            raise UserError(f"no form {form!r} of figures; there are {', '.join(FORMS)}{suggest(form, FORMS)}")
        return self.svg.encode() if form == "svg" else converted(self.svg, form)

    def save(self, path: str | Path, *, form: str = "", replace: bool = True) -> Path:
        """Write it as SVG, PNG or PDF.

        Args:
            path: the file.
            form: one of these; by default as the file's name ends, SVG where it has no ending.
            replace: put it in the place of one that is there.

        Returns:
            The file's path.

        Raises:
            UserError: another form, a folder, or a file that is there and not to be replaced.
            FailureError: the file cannot be written, or the package that makes PNG and PDF is not here.
        """
        target = check_free(Path(path), replace=replace, how="--force replaces it")
        data = self.bytes(form or target.suffix.removeprefix(".").lower() or "svg")
        whole_bytes(target, data, replace=replace, how="--force replaces it")
        return target

    def _repr_svg_(self) -> str:
        return self.svg

"""SVG to PNG and PDF by Typst, one wheel that sets Japanese, embeds fonts and asks no network."""

from __future__ import annotations

import re

from droplab.errors import FailureError

DOTS = 300.0
"""Of a PNG, in an inch."""
_SIZE = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


def converted(svg: str, form: str) -> bytes:
    """A figure in another form; the same bytes each time.

    Args:
        svg: a figure of droplab's.
        form: ``png`` or ``pdf``.

    Raises:
        FailureError: Typst is not installed.
    """
    try:
        import typst
    except ImportError:
        raise FailureError(
            "PNG and PDF want a package that is not here: pip install 'droplab[figures]'; SVG wants none"
        ) from None
    found = _SIZE.search(svg)
    assert found is not None, "a figure has a size"
    width, height = (float(side) * 0.75 for side in found.groups())
    page = (
        f"#set document(date: none)\n#set page(width: {width}pt, height: {height}pt, margin: 0pt)\n"
        '#image(bytes(sys.inputs.at("svg")), format: "svg", width: 100%)'
    )
    made: bytes = typst.compile(page.encode(), format=form, ppi=DOTS, sys_inputs={"svg": svg})
    return made

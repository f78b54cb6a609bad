"""One HTML file with everything inside: data, drawing, both languages. It never asks the network."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from importlib.resources import files
from string import Template

from droplab.errors import FailureError
from droplab.languages import LANGUAGES, check_language
from droplab.report.figures.plainly import without_script
from droplab.report.payload import PageSource, payload
from droplab.report.text import render


def build_page(source: PageSource, lang: str = "en") -> str:
    """The page as one HTML text.

    All text of users reaches the page as data and is put in place as text, never as markup. The page's
    own policy allows one script, by its hash, and no request at all.

    Args:
        source: the experiment.
        lang: language in which the page opens; readers can switch.

    Raises:
        UserError: another language.
        FailureError: the front end was not built.
    """
    check_language(lang)
    script = _asset("page.js").replace("</script", "<\\/script")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    sent = payload(source, lang)
    data = json.dumps(sent, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    style = _asset("page.css").replace("</style", "<\\/style")
    texts = {code: render(source.verdict, source.record, code) for code in LANGUAGES}
    size = len(data) + len(script) + len(style)  # nearly all of it is ASCII
    return Template(_asset("shell.html")).substitute(
        lang=lang,
        title=html.escape(f"{source.record.name} · droplab"),
        script_hash=f"sha256-{digest}",
        style=style,
        plain=without_script(sent, texts, lang, size),
        data=data,
        script=script,
    )


def _asset(name: str) -> str:
    file = files("droplab.report").joinpath("assets", name)
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FailureError(
            f"the page's front end ({name}) was not built; install droplab again: pip install -e ."
        ) from None

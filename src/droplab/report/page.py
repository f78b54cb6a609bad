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
    sent = payload(source, lang)
    data = json.dumps(sent, separators=(",", ":"), allow_nan=False)
    texts = {code: render(source.verdict, source.record, code) for code in LANGUAGES}
    size = len(data) + len(_asset("page.js")) + len(_asset("page.css"))  # nearly all of it is ASCII
    return lay_out("page", data, lang, f"{source.record.name} · droplab", without_script(sent, texts, lang, size))


def lay_out(front: str, data: str, lang: str, title: str, plain: str, follow: str = "") -> str:
    """One HTML text with everything inside.

    Args:
        front: which front end: ``page`` or ``board``.
        data: JSON for it.
        lang: language in which it opens.
        title: of the document; any text.
        plain: markup for readers without JavaScript.
        follow: the address from which it hears of changes; empty where it makes no request at all.

    Raises:
        FailureError: the front end was not built.
    """
    script = _asset(f"{front}.js").replace("</script", "<\\/script")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Template(_asset("shell.html")).substitute(
        lang=lang,
        title=html.escape(title),
        script_hash=f"sha256-{digest}",
        requests="; connect-src 'self'" if follow else "",
        style=_asset(f"{front}.css").replace("</style", "<\\/style"),
        plain=plain,
        follow=f' data-follow="{html.escape(follow)}"' if follow else "",
        data=data.replace("<", "\\u003c"),
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

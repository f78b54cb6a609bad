"""``droplab board``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def board(
    *folders: Path,
    port: int | None = None,
    host: str = "127.0.0.1",
    open_browser: Annotated[bool, Parameter(name="--open", negative="--no-browser")] = False,
    lang: str | None = None,
) -> None:
    """Show experiments while they train: pages that a browser keeps up to date, with a list that compares them.

    It reads ledgers and writes nothing; ending it or training leaves the other as it is. Ctrl-C ends it.

    Args:
        folders: Folders of experiments, or that hold some; they need not exist yet (default: droplab-runs).
        port: Port (default: 6106, or the first free one of the nine after it); 0 takes a free one.
        host: Address at which it listens; by default this machine alone sees it.
        open_browser: Open a browser too.
        lang: Language, en or ja (default: $DROPLAB_LANG, then the system's); readers of pages can switch.
    """
    from droplab.board.finding import find
    from droplab.board.serving import address_of, listen, open_page, serve, stays_here
    from droplab.cli.terminal import say
    from droplab.cli.translating import translate
    from droplab.cli.words import language, words

    lang = language(lang)
    places = list(folders) or [Path("droplab-runs")]

    def ready() -> None:
        for place in places:
            found = sum(1 for _ in find(place))
            say(words("board.found", count=found, folder=place) if found else words("board.waiting", folder=place))
        if not stays_here(host):
            say(words("board.seen", host=host))
        address = address_of(listening)
        say(words("board.at", address=address))
        if open_browser:
            open_page(address)

    try:
        with listen(host, port) as listening:
            serve(places, lang, translate, listening, host, ready)
    except KeyboardInterrupt:
        say("\n" + words("board.over"))

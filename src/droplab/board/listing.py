"""The list of experiments as a reader has it."""

from __future__ import annotations

from collections.abc import Iterator

from droplab.board.parts import to_json
from droplab.board.watcher import Watcher
from droplab.languages import LANGUAGES
from droplab.report import texts
from droplab.report.page import lay_out

_WORDS = "board."


class Listing:
    """What one reader of the list was told, and what is new to it.

    Args:
        watcher: knows the experiments.
        lang: language in which it opens.
    """

    def __init__(self, watcher: Watcher, lang: str) -> None:
        self._watcher = watcher
        self._lang = lang
        self._told: dict[str, str] = {}
        self._version = 0

    def page(self) -> str:
        """The list as one HTML text, which follows what comes after it.

        Raises:
            FailureError: the front end was not built.
        """
        words = {
            code: {k.removeprefix(_WORDS): v for k, v in texts(code).items() if k.startswith(_WORDS)}
            for code in LANGUAGES
        }
        rows = ",".join(self._rows().values())
        given = to_json({"lang": self._lang, "words": words, "waiting": self._waiting()})
        data = f'{given[:-1]},"rows":[{rows}]}}'
        return lay_out("board", data, self._lang, "droplab board", "", "events")

    def news(self) -> Iterator[tuple[str, str]]:
        """Rows that changed since the last time, and the order of all; nothing where nothing did."""
        rows, waiting = self._rows(), to_json(self._waiting())
        fresh = [text for key, text in rows.items() if self._told.get(key) != text]
        now = {**rows, "": waiting}
        if self._version and now == self._told:
            return
        self._told = now
        self._version += 1
        yield str(self._version), f'{{"ids":{to_json(list(rows))},"rows":[{",".join(fresh)}],"waiting":{waiting}}}'

    def _rows(self) -> dict[str, str]:
        return {watched.id: watched.row(place) for place, watched in self._watcher.experiments()}

    def _waiting(self) -> list[str]:
        return [str(place) for place in self._watcher.waiting()]

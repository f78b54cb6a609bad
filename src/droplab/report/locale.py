"""The report's texts in one language, with their placeholders filled."""

from __future__ import annotations

from typing import Any

from droplab.languages import Count, read_texts


def texts(lang: str) -> dict[str, str]:
    """All texts of a language by key.

    Raises:
        UserError: another language.
    """
    return read_texts("droplab.report", "locales", lang)


class Speaker:
    """Says a text in one language.

    >>> Speaker("en")("status.better")
    'better'
    """

    def __init__(self, lang: str) -> None:
        self._texts = texts(lang)

    def knows(self, key: str) -> bool:
        """Whether there is a text for a key."""
        return key in self._texts

    def template(self, key: str) -> str:
        """The text of a key with its placeholders."""
        return self._texts[key]

    def __call__(self, key: str, **values: Any) -> str:
        """The text of a key with its placeholders filled; ``{count:run|runs}`` says which word goes with a number."""
        return self.fill(self.template(key), **values)

    def fill(self, template: str, **values: Any) -> str:
        """A template with its placeholders filled."""
        counted = {name: Count(value) if type(value) is int else value for name, value in values.items()}
        return template.format(**counted)

"""What a terminal shows while an experiment trains: a line for each arm, and the total pinned beneath them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from droplab.cli.answering import COLOURS
from droplab.cli.standing import ArmRow, Standing, worth_most
from droplab.cli.terminal import cell
from droplab.cli.words import words
from droplab.report import report_words

_SIGNS = {"done": "■", "running": "▪", "interrupted": "▫", "planned": "□", "failed": "✗", "spared": "·"}
_COLOURS = {"done": "", "running": "cyan", "interrupted": "cyan", "planned": "dim", "failed": "red", "spared": "dim"}
_ENDS = {**COLOURS, "failures": "red"}
"""Colours of what is decided; all else is grey."""
_BAR = 20
"""Signs of a bar at most."""
_GAP = "  "
_TO_THE_RIGHT = (2, 3)
"""Columns of counts."""


class Screen:
    """Draws a ``Standing`` in the room that the terminal has, again whenever it is asked."""

    def __init__(self, standing: Standing, footer: Callable[[int], list[Text]], lang: str) -> None:
        self._standing = standing
        self._footer = footer
        self._lang = lang
        named = report_words(standing.record.measures, lang) if lang != "en" else {}
        names = [f"val_{measure.name}" for measure in standing.measures]
        self._heads = [named.get(name, name.replace("_", " ")) for name in names]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As rich asks for it: never higher than the terminal, never wider."""
        yield from self.lines(options.max_width, console.height)

    def lines(self, width: int, height: int) -> list[Text]:
        """The lines, of at most ``width`` columns and less than ``height`` of them."""
        footer = self._footer(width)
        every = self._standing.rows()
        room = max(1, height - 2 - len(footer))
        shown = every if len(every) <= room else worth_most(every, max(1, room - 1), self._standing.record.baseline)
        table = _fitted([self._head(), *(self._cells(row) for row in shown)], width)
        rest = len(every) - len(shown)
        more = [Text(words("live.more", self._lang, count=rest), "dim")] if rest else []
        return [*table, *more, *footer]

    def _head(self) -> list[Text]:
        heads = [words("runs.arm", self._lang), words("live.seeds", self._lang), "", words("live.now", self._lang)]
        return [Text(head, "dim") for head in (*heads, *self._heads, words("live.ended", self._lang))]

    def _cells(self, row: ArmRow) -> list[Text]:
        done = sum(state == "done" for state in row.states)
        wanted = sum(state != "spared" for state in row.states)
        value, *others = (_figure(mean) for mean in row.means)
        spread = f" ± {row.deviation:.3f}" if row.deviation is not None and value else ""
        ended = "baseline" if row.arm == self._standing.record.baseline else row.ended
        return [
            cell(row.arm),
            _bar(row.states),
            Text(f"{done}/{wanted}"),
            Text(self._now(row.now), "cyan"),
            Text(value + spread, "" if done else "dim"),
            *(Text(other, "" if done else "dim") for other in others),
            Text(words(f"ended.{ended}", self._lang) if ended else "", _ENDS.get(ended, "dim")),
        ]

    def _now(self, epochs: Sequence[int]) -> str:
        if not epochs:
            return ""
        of = self._standing.record.epochs
        first = f"{epochs[0]}/{of}" if of else str(epochs[0])
        return first if len(epochs) == 1 else f"{first} +{len(epochs) - 1}"


def _bar(states: Sequence[str]) -> Text:
    bar = Text()
    if len(states) <= _BAR:
        for state in states:
            bar.append(_SIGNS[state], _COLOURS[state])
        return bar
    left = _BAR
    for state in ("done", "running", "interrupted", "failed", "spared"):
        part = min(left, round(_BAR * states.count(state) / len(states)))
        bar.append(_SIGNS[state] * part, _COLOURS[state])
        left -= part
    return bar.append(_SIGNS["planned"] * left, _COLOURS["planned"])


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.5g}"


def _fitted(rows: Sequence[Sequence[Text]], width: int) -> list[Text]:
    """Rows as lines; where there is no room names are cut first, then the columns after the first measure go."""
    places = [at for at in range(len(rows[0])) if any(row[at] for row in rows[1:])]
    sizes = {at: max(row[at].cell_len for row in rows) for at in places}

    def total() -> int:
        return sum(sizes[at] for at in places) + len(_GAP) * (len(places) - 1)

    name = places[0]
    least = min(sizes[name], max(12, width // 5))
    for extra in [at for at in reversed(places) if at > 4] + [3]:  # what is decided, other measures, the run at hand
        if total() - sizes[name] + least > width and extra in places and len(places) > 3:
            places.remove(extra)
    sizes[name] = max(4, min(sizes[name], sizes[name] + width - total()))
    lines = []
    for row in rows:
        line = Text()
        for at in places:
            text = _cut(row[at], sizes[at])
            pad = Text(" " * (sizes[at] - text.cell_len))
            line.append_text(pad + text if at in _TO_THE_RIGHT else text + pad).append(_GAP)
        line.rstrip()
        line.truncate(width, overflow="ellipsis")
        lines.append(line)
    return lines


def _cut(text: Text, width: int) -> Text:
    """A text whose middle is left out where it is too long: names often differ at their ends."""
    if text.cell_len <= width:
        return text
    head, tail = text.copy(), text.copy()
    head.truncate((width - 1) // 2)
    while tail.cell_len > width - 1 - head.cell_len:
        tail = tail[1:]
    return head + "…" + tail

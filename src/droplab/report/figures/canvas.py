"""A small writer of SVG: lines, areas, marks and text, in the order in which they are drawn. Same marks, same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from droplab.report.figures.lettering import cleaned, clipped, folded
from droplab.report.figures.paths import number, parts, steps, straight
from droplab.report.figures.scales import Point, simplified
from droplab.report.figures.themes import MARKS, Theme

TITLE, TEXT, SMALL = 15.0, 11.0, 9.0
"""Sizes of type in pixels of 1/96 inch: 11, 8 and 7 points."""
EDGE = 10.0
"""Pixels that stay empty around a figure."""
_FONTS = (
    "Arial,Helvetica,'Liberation Sans',Arimo,'Noto Sans','Hiragino Sans','Yu Gothic',Meiryo,'Noto Sans CJK JP',"
    "'Noto Sans JP',sans-serif"
)


class Canvas:
    """What a figure is drawn on; it grows downwards."""

    def __init__(self, width: float, theme: Theme) -> None:
        self.width = width
        self.theme = theme
        self._bottom = 0.0
        self._marks: list[tuple[str, str]] = []
        """What precedes and follows the path of each, which is empty where it has none."""
        self._paths: list[str] = []

    @property
    def left(self) -> float:
        """Where drawing may begin."""
        return EDGE

    @property
    def right(self) -> float:
        """Where it has to end."""
        return self.width - EDGE

    @property
    def room(self) -> float:
        """Pixels between."""
        return self.right - self.left

    def down(self, y: float) -> None:
        """Something was drawn as far down as that."""
        self._bottom = max(self._bottom, y)

    def _add(self, mark: str) -> None:
        self._marks.append((mark, ""))
        self._paths.append("")

    def _stroke(self, path: str, style: str) -> None:
        """A path; one that looks as the one before is a part of that."""
        mark = ('<path d="', f'"{style}/>')
        if self._marks and self._marks[-1] == mark:
            self._paths[-1] += path
        elif path:
            self._marks.append(mark)
            self._paths.append(path)

    def line(
        self, start: Point, end: Point, stroke: str = "", *, thick: float = 1.0, dash: Sequence[float] = ()
    ) -> None:
        """A straight line; grey where no colour is given."""
        self._stroke(
            straight(start, end),
            f' stroke="{stroke or self.theme.line}"{_thick(thick)}{_dashed(dash)}',
        )

    def curve(
        self,
        *lines: Sequence[Point | None],
        stroke: str,
        thick: float = 1.0,
        dash: Sequence[float] = (),
        opacity: float = 1.0,
    ) -> None:
        """Lines through points, each broken at every ``None``, all in one mark."""
        path = "".join(steps(part) for line in lines for part in parts(line))
        style = f' fill="none" stroke="{stroke}"{_thick(thick)}{_dashed(dash)}{_clear("stroke-opacity", opacity)}'
        self._stroke(path, style)

    def area(self, upper: Sequence[Point], lower: Sequence[Point], fill: str, opacity: float) -> None:
        """What lies between two lines."""
        if len(upper) < 2:
            return
        outline = [*simplified(upper), *reversed(simplified(lower))]
        self._add(f'<path d="{steps(outline)}z" fill="{fill}"{_clear("fill-opacity", opacity)}/>')

    def box(self, left: float, top: float, right: float, bottom: float, fill: str, opacity: float = 1.0) -> None:
        """A filled rectangle."""
        self._add(
            f'<rect x="{number(left)}" y="{number(top)}" width="{number(right - left)}" '
            f'height="{number(bottom - top)}" fill="{fill}"{_clear("fill-opacity", opacity)}/>'
        )

    def dots(self, points: Iterable[Point], colour: str, *, size: float = 3.0, opacity: float = 0.45) -> None:
        """Small round points, all in one mark."""
        path = "".join(f"M{number(x)} {number(y)}h0" for x, y in points)
        clear = _clear("stroke-opacity", opacity)
        self._stroke(path, f' stroke="{colour}"{_thick(size)} stroke-linecap="round"{clear}')

    def mark(self, x: float, y: float, says: str, *, size: float = 3.2) -> None:
        """A mean, whose shape and colour say what it means."""
        colour = self.theme.of(says)
        shape = MARKS.get(says, "ring")
        if shape == "diamond":
            d = size * 1.35
            self._stroke(f"{steps([(x, y - d), (x + d, y), (x, y + d), (x - d, y)])}z", f' fill="{colour}"')
        elif shape == "dot":
            self.dots([(x, y)], colour, size=2 * size, opacity=1)
        else:
            ring = f'fill="{self.ground}" stroke="{colour}" stroke-width="1.4"'
            self._add(f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(size)}" {ring}/>')

    def arrow(self, x: float, y: float, way: str, colour: str, *, size: float = 4.0) -> None:
        """A triangle that points ``left``, ``right``, ``up`` or ``down``; its tip is the point."""
        s, d = size, 2 * size
        ends = {
            "left": [(x + d, y - s), (x + d, y + s)],
            "right": [(x - d, y - s), (x - d, y + s)],
            "up": [(x + s, y + d), (x - s, y + d)],
            "down": [(x + s, y - d), (x - s, y - d)],
        }
        self._stroke(f"{steps([(x, y), *ends[way]])}z", f' fill="{colour}"')

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = TEXT,
        fill: str = "",
        anchor: str = "start",
        bold: bool = False,
        room: float = 0.0,
        halo: bool = False,
    ) -> None:
        """A line of text whose letters stand on ``y``; clipped where it has only so much room.

        With a ``halo``, what lies beneath does not reach the letters.
        """
        shown = cleaned(words)
        if room:
            shown = clipped(shown, room, size, bold=bold)
        if not shown:
            return
        self.down(y + size * 0.3)
        fill = fill or self.theme.soft
        self._add(
            f'<text x="{number(x)}" y="{number(y)}"'
            + (f' font-size="{number(size)}"' if size != SMALL else "")
            + (f' fill="{fill}"' if fill != self.theme.soft else "")
            + (f' text-anchor="{anchor}"' if anchor != "start" else "")
            + (' font-weight="600"' if bold else "")
            + (f' stroke="{self.ground}" stroke-width="3" stroke-linejoin="round" paint-order="stroke"' if halo else "")
            + f">{escape(shown, quote=False)}</text>"
        )

    def prose(
        self,
        x: float,
        y: float,
        words: str,
        room: float,
        *,
        size: float = TEXT,
        fill: str = "",
        bold: bool = False,
        most: int = 3,
    ) -> float:
        """Text in lines, the first of which begins at ``y``; where the next thing may begin."""
        high = size * 1.35
        if not words:
            return y
        for place, line in enumerate(folded(cleaned(words), room, size, most=most, bold=bold)):
            self.text(x, y + place * high + size, line, size=size, fill=fill, bold=bold)
            bottom = y + (place + 1) * high
        self.down(bottom)
        return bottom

    @property
    def ground(self) -> str:
        """The colour behind everything."""
        return self.theme.paper or "var(--paper)"

    def svg(self, title: str, unit: str = "px") -> str:
        """The whole picture.

        Args:
            title: what it shows, for who does not see it.
            unit: of its size, ``px`` or ``mm``.
        """
        width, height = self.width, float(round(self._bottom + EDGE))
        size = (width, height) if unit == "px" else (width * 25.4 / 96, height * 25.4 / 96)
        suffix = "" if unit == "px" else unit
        shown = escape(cleaned(title))
        ground = f'<rect width="100%" height="100%" fill="{self.theme.paper}"/>' if self.theme.paper else ""
        wide, high = (f"{number(side, 2)}{suffix}" for side in size)
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(width)} {number(height)}" width="{wide}" '
            f'height="{high}" font-family="{_FONTS}" font-size="{number(SMALL)}" fill="{self.theme.soft}" role="img" '
            f'aria-label="{shown}" data-figure="">'
        )
        marks = (f"{before}{path}{after}" for (before, after), path in zip(self._marks, self._paths, strict=True))
        return "\n".join([head + ground, *marks, "</svg>\n"])


def _thick(thick: float) -> str:
    return f' stroke-width="{number(thick)}"' if thick != 1 else ""


def _dashed(dash: Sequence[float]) -> str:
    return f' stroke-dasharray="{" ".join(map(number, dash))}"' if dash else ""


def _clear(name: str, opacity: float) -> str:
    return f' {name}="{number(opacity, 2)}"' if opacity < 1 else ""

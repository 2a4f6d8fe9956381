"""Charts drawn here, as SVG: bars that are stacked, upwards and downwards from a line.

The drawing holds bars alone and is stretched to its place; words and numbers stand around it, so they keep their size
on a narrow screen.  Colours are classes of the style sheet.  A bar may lead to a page about its span: by the mouse,
because each page has its span in fields as well, and so many stops would be in the way of the Tab key.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from html import escape

HEIGHT = 200
_COLUMN, _BAR = 12, 10
"""Units of a column, and of the bar in it."""
_EM_OF_A_DIGIT = 0.65
_BELOW, _ABOVE = 0.8, 0.0
"""How far the foot of a number stands below its place, at the upper end and at the lower one, in em."""
_APART = 0.12
"""The part of the height that two numbers must be apart."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a bar: what it counts, how many, and the class that gives its colour; below the line if ``down``."""

    name: str
    count: int
    colour: str
    down: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A span of time with what was counted in it, and where it leads, if anywhere."""

    name: str
    pieces: Sequence[Piece]
    url: str = ""


@dataclass(frozen=True)
class Chart:
    """Bars over time.  ``top`` and ``bottom`` are the numbers at its ends; ``names`` stand below it."""

    title: str
    bars: Sequence[Bar]

    @cached_property
    def top(self) -> int:
        """The number at the upper end."""
        return round_up(max((_sum(bar, down=False) for bar in self.bars), default=0))

    @cached_property
    def bottom(self) -> int:
        """The number at the lower end: 0 where nothing goes down."""
        most = max((_sum(bar, down=True) for bar in self.bars), default=0)
        return round_up(most) if most else 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(piece.count for bar in self.bars for piece in bar.pieces)

    @cached_property
    def line(self) -> float:
        """Where the line is from which the bars go up and down, as a part of the height."""
        return self.top / (self.top + self.bottom)

    @property
    def scale(self) -> str:
        """The numbers beside the drawing, as a drawing that is not stretched."""
        places = [(0.0, self.top), (1.0, -self.bottom)]
        if self.bottom and _APART < self.line < 1 - _APART:
            places.append((self.line, 0))
        if self.top > 1 and self.line > 2 * _APART:
            places.append((self.line / 2, self.top // 2))
        width = max(len(_shown(count)) for _, count in places) * _EM_OF_A_DIGIT
        drawn = "".join(
            f'<text x="100%" y="{place:.2%}" dy="{_BELOW + place * (_ABOVE - _BELOW):.2f}em">{_shown(count)}</text>'
            for place, count in places
        )
        return f'<svg class="scale" width="{width:.2f}em" aria-hidden="true">{drawn}</svg>'

    @property
    def svg(self) -> str:
        """The drawing: made of numbers, classes and escaped names."""
        unit = HEIGHT / (self.top + self.bottom)
        line = self.line * HEIGHT
        drawn = "".join(_column(bar, place * _COLUMN, line, unit) for place, bar in enumerate(self.bars))
        width = len(self.bars) * _COLUMN
        role = "group" if any(bar.url for bar in self.bars) else "img"
        grid = "".join(f'<path class="grid" d="M0 {y:g}H{width}"/>' for y in (0, line / 2, line, HEIGHT))
        return (
            f'<svg viewBox="0 0 {width} {HEIGHT}" preserveAspectRatio="none" role="{role}"'
            f' aria-label="{escape(self.title)}">{grid}{drawn}</svg>'
        )


def leading(chart: Chart, url: Callable[..., str]) -> Chart:
    """Return a chart whose bars lead to a page; ``url`` makes its URL of ``since`` and ``until``."""
    return replace(chart, bars=[replace(bar, url=url(**_ends(bar.name))) for bar in chart.bars])


def round_up(count: int) -> int:
    """Return the next number of 1, 2, 4, 6 or 8 with zeros: a whole number stands at the middle."""
    size = 1
    while True:
        for step in (1, 2, 4, 6, 8):
            if step * size >= count:
                return step * size
        size *= 10


def _shown(count: int) -> str:
    return f"{count:,}".replace("-", "\N{MINUS SIGN}")


def _column(bar: Bar, x: int, line: float, unit: float) -> str:
    pieces = [piece for piece in bar.pieces if piece.count]
    told = "\n".join(f"{piece.name}: {piece.count:,}" for piece in pieces) or "nothing"
    title = f"<title>{escape(bar.name)}\n{escape(told)}</title>"
    hit = f'<rect class="hit" x="{x}" y="0" width="{_COLUMN}" height="{HEIGHT}"/>'
    drawn = f"{title}{hit}{''.join(_rects(pieces, x, line, unit))}"
    return f'<a href="{escape(bar.url)}" tabindex="-1">{drawn}</a>' if bar.url else f"<g>{drawn}</g>"


def _ends(name: str) -> dict[str, str]:
    """Return the span that the name of a bar means, as a URL has it: a day, or the hour that begins then."""
    if len(name) == len("YYYY-MM-DD"):
        return {"since": name, "until": name}
    begin = datetime.fromisoformat(name)
    ends = {"since": begin, "until": begin + timedelta(hours=1)}
    return {word: at.isoformat(timespec="minutes") for word, at in ends.items()}


def _rects(pieces: Sequence[Piece], x: int, line: float, unit: float) -> Iterator[str]:
    up = down = line
    for piece in pieces:
        height = piece.count * unit
        if piece.down:
            y, down = down, down + height
        else:
            y = up = up - height
        at = f'x="{x + (_COLUMN - _BAR) / 2:g}" y="{y:.2f}" width="{_BAR}" height="{height:.2f}"'
        yield f'<rect class="{escape(piece.colour)}" {at}/>'


def _sum(bar: Bar, *, down: bool) -> int:
    return sum(piece.count for piece in bar.pieces if piece.down is down)

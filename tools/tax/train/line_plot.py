"""A line plot as SVG, to stand inside an HTML page: no script, no font, nothing from elsewhere."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from tax.problems import printable

WIDTH, HEIGHT = 720, 280
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 40
COLORS = ("#9db8d9", "#c0392b", "#1e8449", "#8e44ad", "#b7950b", "#2c3e50")  # the first is for the many points
MOST = 400  # points of a line; more are averaged in groups

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A named line; its points are finite. `marked`: each point has a dot."""

    name: str
    points: Sequence[Point]
    marked: bool = False


def plot(lines: Sequence[Line], x_label: str, y_label: str) -> str:
    """Return an SVG element with the lines, axes and a legend; without any point, a note."""
    drawn = [Line(line.name, thinned(line.points), line.marked) for line in lines if line.points]
    if not drawn:
        return "<p>Nothing was measured yet.</p>"
    xs, ys = ([point[axis] for line in drawn for point in line.points] for axis in (0, 1))
    across, up = ticks(min(0.0, *xs), max(*xs, 1.0)), ticks(min(ys), max(ys))
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_escaped(f"{y_label} by {x_label}")}">']
    for value in up:
        y = _scaled(value, up, HEIGHT - BOTTOM, TOP)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for value in across:
        x = _scaled(value, across, LEFT, WIDTH - RIGHT)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{value:g}</text>')
    parts.append(
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{_escaped(x_label)}</text>'
        f'<text x="{LEFT}" y="{HEIGHT - 6}">{_legend(drawn)}</text>'
    )
    for line, color in zip(drawn, _colors(len(drawn)), strict=True):
        places = [
            (_scaled(x, across, LEFT, WIDTH - RIGHT), _scaled(y, up, HEIGHT - BOTTOM, TOP)) for x, y in line.points
        ]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        parts.append(f'<path class="line" stroke="{color}" d="M{path}"/>')
        if line.marked:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in places]
    return "\n".join([*parts, "</svg>"])


def thinned(points: Sequence[Point]) -> list[Point]:
    """Return at most MOST points: the means of groups of neighbours, all groups equally large but the last."""
    size = -(-len(points) // MOST) or 1
    groups = [points[first : first + size] for first in range(0, len(points), size)]
    return [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]


def ticks(least: float, most: float) -> list[float]:
    """Return round numbers, evenly apart, from at or below `least` to at or above `most`."""
    span = max(most - least, 1e-6 * max(abs(least), abs(most), 1.0))
    power = 10.0 ** math.floor(math.log10(span / 5))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= 6)
    first = math.floor(least / step + 1e-9)
    last = max(math.ceil(most / step - 1e-9), first + 1)
    return [number * step for number in range(first, last + 1)]


def _scaled(value: float, axis: Sequence[float], start: float, end: float) -> float:
    return start + (value - axis[0]) / (axis[-1] - axis[0]) * (end - start)


def _colors(count: int) -> list[str]:
    return [COLORS[number % len(COLORS)] for number in range(count)]


def _legend(lines: Sequence[Line]) -> str:
    return " ".join(
        f'<tspan fill="{color}">&#9644;</tspan> {_escaped(line.name)}&#160;&#160;'
        for line, color in zip(lines, _colors(len(lines)), strict=True)
    )


def _escaped(text: str) -> str:
    return html.escape(printable(text))

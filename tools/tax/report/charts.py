"""Plots as HTML and SVG that need no script: bars in table rows, and a histogram of lengths."""

from collections import Counter
from collections.abc import Sequence

from tax.report.markup import escape

BINS = 24
WIDTH, HEIGHT, BASE = 640, 160, 130


def bars(rows: Sequence[tuple[str, int]], most: int, kind: str = "good") -> str:
    """Return rows of (label, count) as a table with a bar each, `most` being as wide as it gets."""
    return "<table>" + "".join(_row(label, f"{count:,}", [(kind, count)], most) for label, count in rows) + "</table>"


def split_bars(rows: Sequence[tuple[str, str, Sequence[tuple[str, int]]]], most: int) -> str:
    """Return rows of (label, figures, parts) as a table with a bar each; a part is (kind, count)."""
    return "<table>" + "".join(_row(label, shown, parts, most) for label, shown, parts in rows) + "</table>"


def histogram(counts: Counter[int], unit: str) -> str:
    """Return how often each value occurs, as SVG; the last bin holds all that is beyond the 99th of 100."""
    if not counts:
        return ""
    top = max(1, _percentile(counts, 0.99))
    width = max(1, -(-top // BINS))
    binned: Counter[int] = Counter()
    for value, times in counts.items():
        binned[min(value, top) // width] += times
    highest = max(binned.values())
    last = max(binned)
    step = (WIDTH - 60) / (last + 1)
    drawn = "".join(
        f'<rect x="{50 + index * step:.1f}" y="{BASE - times / highest * (BASE - 15):.1f}" width="{step * 0.86:.1f}" '
        f'height="{times / highest * (BASE - 15):.1f}"><title>{_range(index, width, last, top)} {escape(unit)}: '
        f"{times:,}</title></rect>"
        for index, times in sorted(binned.items())
    )
    ticks = "".join(
        f'<text x="{50 + index * step:.1f}" y="{BASE + 16}">{index * width:,}</text>'
        for index in range(0, last + 1, max(1, (last + 1) // 6))
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(unit)}">'
        f'<line x1="50" y1="{BASE}" x2="{WIDTH - 10}" y2="{BASE}"/>{drawn}{ticks}'
        f'<text x="46" y="20" text-anchor="end">{highest:,}</text>'
        f'<text x="{WIDTH - 10}" y="{HEIGHT - 1}" text-anchor="end">{escape(unit)}</text></svg>'
    )


def _row(label: str, shown: str, parts: Sequence[tuple[str, int]], most: int) -> str:
    drawn = "".join(f'<div class="{kind}" style="width:{count / max(1, most):.2%}"></div>' for kind, count in parts)
    return (
        f'<tr><td>{escape(label)}</td><td class="n">{escape(shown)}</td>'
        f'<td class="bar"><div class="track">{drawn}</div></td></tr>'
    )


def _percentile(counts: Counter[int], share: float) -> int:
    wanted, seen = counts.total() * share, 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= wanted:
            return value
    return max(counts)


def _range(index: int, width: int, last: int, top: int) -> str:
    start = index * width
    return f"{start:,} or more" if index == last and start + width > top else f"{start:,} to {start + width - 1:,}"

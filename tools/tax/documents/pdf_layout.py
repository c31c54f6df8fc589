"""A PDF page's words to lines in reading order: columns and blocks by the white space between them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MIN_GUTTER = 1.2  # between columns, in ems of the body
MIN_COLUMN = 4  # lines that make a column; fewer are words that stand apart
MAX_DEPTH = 40  # of cuts within cuts


@dataclass(frozen=True)
class Box:
    """Where something stands on a page, in points from its upper left corner."""

    x0: float
    top: float
    x1: float
    bottom: float


@dataclass(frozen=True)
class Word(Box):
    """A word in one font."""

    text: str
    size: float
    bold: bool


@dataclass(frozen=True)
class Table(Box):
    """A ruled table, as Markdown."""

    text: str

    def holds(self, word: Word) -> bool:
        """Tell whether a word stands in the table."""
        x, y = (word.x0 + word.x1) / 2, (word.top + word.bottom) / 2
        return self.x0 <= x <= self.x1 and self.top <= y <= self.bottom


@dataclass(frozen=True)
class Line(Box):
    """A line of a block: lines of other blocks are no part of its paragraph. `left` and `right` are the block's."""

    text: str
    size: float
    bold: bool
    block: int
    left: float
    right: float


def lines_of_page(words: Sequence[Word], tables: Sequence[Table]) -> list[Line | Table]:
    """Return the lines and tables of a page in reading order."""
    size = body_size(words)
    result: list[Line | Table] = []
    for number, block in enumerate(_cut([*words, *tables], size, 0)):
        result += [each for each in block if isinstance(each, Table)]
        result += _lines([each for each in block if isinstance(each, Word)], number)
    return result


def body_size(words: Sequence[Word | Line]) -> float:
    """Return the font size that most characters have."""
    sizes: Counter[float] = Counter()
    for word in words:
        sizes[word.size] += len(word.text)
    return max(sizes, key=lambda size: (sizes[size], size), default=10.0)


def _cut(boxes: Sequence[Box], size: float, depth: int) -> list[Sequence[Box]]:
    """Cut boxes at the widest gutter between columns, else at the widest gap between lines, and so on within."""
    if len(boxes) < 2 or depth > MAX_DEPTH:
        return [boxes] if boxes else []
    for sides in (_columns(boxes, size), _rows(boxes, size)):
        if sides:
            return [block for side in sides for block in _cut(side, size, depth + 1)]
    return [boxes]


def _columns(boxes: Sequence[Box], size: float) -> tuple[list[Box], list[Box]] | None:
    for width, at in sorted(_gaps([(box.x0, box.x1) for box in boxes]), reverse=True):
        if width < MIN_GUTTER * size:
            return None
        left, right = [box for box in boxes if box.x1 <= at], [box for box in boxes if box.x1 > at]
        if all(_line_count(side) >= MIN_COLUMN and _is_prose(side) for side in (left, right)):
            return left, right
    return None


def _is_prose(boxes: Sequence[Box]) -> bool:
    """Tell a column of text from one of a table's figures or a list's numbers: it has some words a line."""
    return len(boxes) >= 2.5 * _line_count(boxes) or any(isinstance(box, Table) for box in boxes)


def _rows(boxes: Sequence[Box], size: float) -> list[list[Box]] | None:
    """Cut at the widest of the gaps that part blocks; where there is none, around a table."""
    gaps = _gaps([(box.top, box.bottom) for box in boxes])
    wide = [gap for gap in gaps if gap[0] > 0.8 * size]
    if wide:
        at = max(wide)[1]
        return [[box for box in boxes if box.bottom <= at], [box for box in boxes if box.bottom > at]]
    table = next((box for box in boxes if isinstance(box, Table)), None)
    if table is None:
        return None
    above: list[Box] = [box for box in boxes if box is not table and box.top + box.bottom < 2 * table.top]
    below = [box for box in boxes if box is not table and box.top + box.bottom >= 2 * table.top]
    sides: list[list[Box]] = [above, [table], below]
    return [side for side in sides if side]


def _gaps(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the gaps between intervals: how wide each is, and where it begins."""
    gaps = []
    end = None
    for low, high in sorted(spans):
        if end is not None and low > end:
            gaps.append((low - end, end))
        end = high if end is None else max(end, high)
    return gaps


def _line_count(boxes: Sequence[Box]) -> int:
    return 1 + len(
        _gaps([(box.top + (box.bottom - box.top) * 0.3, box.bottom - (box.bottom - box.top) * 0.3) for box in boxes])
    )


def _lines(words: Sequence[Word], block: int) -> list[Line]:
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda word: ((word.top + word.bottom) / 2, word.x0)):
        middle = (word.top + word.bottom) / 2
        if rows and any(other.top <= middle <= other.bottom for other in rows[-1][-4:]):
            rows[-1].append(word)
        else:
            rows.append([word])
    left, right = min((word.x0 for word in words), default=0), max((word.x1 for word in words), default=0)
    return [_line(sorted(row, key=lambda word: word.x0), block, left, right) for row in rows]


def _line(words: Sequence[Word], block: int, left: float, right: float) -> Line:
    parts = [words[0].text]
    for before, word in pairwise(words):
        parts += ["" if word.x0 - before.x1 < 0.12 * min(word.size, before.size) else " ", word.text]
    return Line(
        words[0].x0,
        min(word.top for word in words),
        max(word.x1 for word in words),
        max(word.bottom for word in words),
        "".join(parts),
        body_size(words),
        all(word.bold for word in words if any(map(str.isalnum, word.text))),
        block,
        left,
        right,
    )

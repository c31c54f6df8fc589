"""The lines of a PDF's pages to paragraphs, items and headings of Markdown, with the place where each page begins."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from tax.documents import markdown
from tax.documents.pdf_layout import Line, body_size
from tax.text.prose import folded

_BULLET = re.compile(r"[•●▪■◦‣⁃∙·–—-]\s+(?=\S)|[•●▪■◦‣]")
_NUMBERED = re.compile(r"(?:\d{1,3}[.)]|\(\d{1,3}\)|\(?[a-z]\))\s+\S")
_BROKEN = re.compile(r"([^\W\d_]+)[-\u2010]\n([a-z\u00df-\u024f][^\W\d_]*)")
_WORD = re.compile(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)*")
_LIGATURES = {0xFB00 + at: letters for at, letters in enumerate(["ff", "fi", "fl", "ffi", "ffl", "st", "st"])}
_ENDED = re.compile(r"[.!?:;。！？：；…][\"'”’)\]」』）]*$")
HEADING_SIZE = 1.15  # of the body's
_HEADING_WORDS = 25
_BOLD_WORDS = 14


@dataclass(frozen=True)
class Piece:
    """A line of a page, or a block that is written already (a table). Pages count from 0."""

    page: int
    line: Line | None
    block: str


@dataclass
class _Block:
    kind: str  # heading, paragraph, item, table
    pieces: list[Piece]

    @property
    def lines(self) -> list[Line]:
        return [piece.line for piece in self.pieces if piece.line]


def written(pages: Sequence[Sequence[Piece]]) -> tuple[str, list[int]]:
    """Return the text of all pages, and for each where in it the page begins."""
    pieces = [piece for page in pages for piece in page]
    lines = [piece.line for piece in pieces if piece.line]
    body = body_size(lines)
    spacing = median([*_spacings(lines), 1.2 * body])
    found = _joined(_marked(block, body) for block in _blocks(pieces, spacing))
    levels = _levels(found)
    words = Counter(word for line in lines for word in _WORD.findall(line.text))
    starts: list[int] = []
    text = ""
    for number, block in enumerate(found):
        together = block.kind == "item" and number > 0 and found[number - 1].kind == "item"
        text += ("\n" if together else "\n\n") if text else ""
        for page, part in _parts(block, levels, words):
            starts += [len(text)] * (page + 1 - len(starts))
            text += part
    starts += [len(text)] * (len(pages) - len(starts))
    return text + "\n", starts


def _spacings(lines: Sequence[Line]) -> list[float]:
    """Return the distances between successive lines of a block."""
    pairs = pairwise(lines)
    return [below.top - above.top for above, below in pairs if above.block == below.block and below.top > above.top]


def _blocks(pieces: Iterable[Piece], spacing: float) -> list[_Block]:
    """Put successive lines that belong together into one block."""
    blocks: list[_Block] = []
    last: Piece | None = None
    for piece in pieces:
        if piece.line is None:
            blocks.append(_Block("table", [piece]))
        elif last is None or last.line is None or _begins(last, piece, spacing):
            blocks.append(_Block("item" if _is_item(piece.line.text) else "paragraph", [piece]))
        else:
            blocks[-1].pieces.append(piece)
        last = piece
    return blocks


def _is_item(text: str) -> bool:
    return bool(_BULLET.match(text) or _NUMBERED.match(text))


def _begins(above: Piece, below: Piece, spacing: float) -> bool:
    """Tell whether a line begins a block: by the gap over it, its font, its mark or its indent."""
    one, other = above.line, below.line
    assert one is not None and other is not None
    if above.page != below.page or one.block != other.block or _is_item(other.text):
        return True
    if abs(one.size - other.size) > 0.75 or one.bold != other.bold:
        return True
    if other.top - one.top > 1.45 * max(spacing, 1.2 * one.size) or (_is_item(one.text) and other.x0 < one.x0 - 1):
        return True
    indented = other.x0 - other.left > 0.8 * other.size and one.x0 - one.left <= 0.8 * one.size
    short = one.right - one.x1 > 0.15 * (one.right - one.left)
    return (indented and not _is_item(one.text) and bool(_ENDED.search(one.text))) or (
        short and bool(re.search(r"[.!?。！？]$", one.text)) and not _is_item(one.text) and one.right - one.left > 150
    )


def _marked(block: _Block, body: float) -> _Block:
    """Tell headings from paragraphs."""
    lines = block.lines
    if not lines or block.kind == "table":
        return block
    words = sum(len(line.text.split()) for line in lines)
    letters = any(char.isalpha() for line in lines for char in line.text)
    larger = min(line.size for line in lines) >= HEADING_SIZE * body
    alone = all(line.bold for line in lines) and min(line.size for line in lines) >= body
    numbered = block.kind == "item" and not _NUMBERED.match(lines[0].text)
    ended = bool(re.search(r"[.,;:。，；：]$", lines[-1].text))
    if (
        letters
        and not numbered
        and ((larger and words <= _HEADING_WORDS) or (alone and words <= _BOLD_WORDS and not ended))
    ):
        return _Block("heading", block.pieces)
    return block


def _joined(blocks: Iterable[_Block]) -> list[_Block]:
    """Join a paragraph that a column's or a page's end broke."""
    found: list[_Block] = []
    for block in blocks:
        before = found[-1] if found else None
        if (
            before
            and block.kind == "paragraph"
            and before.kind in {"paragraph", "item"}
            and not _ENDED.search(before.lines[-1].text)
            and block.lines[0].text[:1].islower()
            and abs(before.lines[-1].size - block.lines[0].size) <= 0.75
        ):
            before.pieces += block.pieces
        else:
            found.append(block)
    return found


def _levels(blocks: Iterable[_Block]) -> dict[float, int]:
    """Return the heading level of each font size: the largest is 1."""
    sizes = {_size(block) for block in blocks if block.kind == "heading"}
    return {size: min(rank, 6) for rank, size in enumerate(sorted(sizes, reverse=True), start=1)}


def _size(block: _Block) -> float:
    return max(line.size for line in block.lines)


def _parts(block: _Block, levels: dict[float, int], words: Counter[str]) -> Iterable[tuple[int, str]]:
    """Yield what a block says, page by page."""
    if block.kind == "table":
        yield block.pieces[0].page, block.pieces[0].block
        return
    text = "\n".join(line.text for line in block.lines).translate(_LIGATURES)
    whole = folded(_BROKEN.sub(lambda found: _mended(found, words), text))
    if block.kind == "heading":
        yield block.pieces[0].page, markdown.heading(levels[_size(block)], whole)
        return
    if block.kind == "item":
        bullet = _BULLET.match(whole)
        whole = markdown.escaped(f"- {whole[bullet.end() :].strip()}" if bullet else whole)
    else:
        whole = markdown.paragraph(whole)
    first = block.pieces[0].page
    further = next((number for number, piece in enumerate(block.pieces) if piece.page != first), None)
    if further is None:
        yield first, whole
        return
    # where the next page begins: after as many characters as the lines before it have
    before = "\n".join(line.text for line in block.lines[:further]).translate(_LIGATURES)
    at = len(folded(_BROKEN.sub(lambda found: _mended(found, words), before)))
    at = whole.find(" ", min(at, len(whole) - 1) - 1) + 1 or len(whole)
    yield first, whole[:at]
    yield block.pieces[further].page, whole[at:]


def _mended(found: re.Match[str], words: Counter[str]) -> str:
    """Join a word that was broken at a line's end; its hyphen stays where the document writes it so elsewhere."""
    joined, hyphenated = found[1] + found[2], f"{found[1]}-{found[2]}"
    return hyphenated if words[hyphenated] > words[joined] else joined

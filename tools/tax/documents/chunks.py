"""A document cut into chunks with character spans.

A chunk is what one prompt shows the teacher. It ends where a block or a sentence ends, never within a sentence or a
table row, and repeats the last sentences of the one before it. Its span counts characters of the document's text, so
a sample can be walked back to its sentence.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tax.documents.document import Document
from tax.text.segments import Block, Span, blocks, sentences, tokens

CHUNK_WORDS = 400  # about 520 tokens of English; a CJK character counts as a word
OVERLAP_WORDS = 40


@dataclass(frozen=True)
class Chunk:
    """A stretch of a document: text[start:end], under the titles `headings`."""

    document: Document
    start: int
    end: int
    headings: tuple[str, ...]

    @property
    def text(self) -> str:
        """The characters of the chunk, as they stand in the document."""
        return self.document.text[self.start : self.end]


@dataclass(frozen=True)
class _Unit:
    """What a chunk is built of: a sentence, a heading, a code block, a table or list or a part of one."""

    start: int
    end: int
    words: int
    headings: tuple[str, ...]
    heading: bool = False


def chunks(document: Document, words: int = CHUNK_WORDS, overlap: int = OVERLAP_WORDS) -> list[Chunk]:
    """Cut a document into chunks of at most `words` words, unless a single sentence has more."""
    result: list[Chunk] = []
    pending: list[_Unit] = []
    for unit in _units(document.text, words):
        if pending and sum(each.words for each in pending) + unit.words > words:
            last = _without_trailing_headings(pending)
            result.append(_chunk(document, last))
            pending = [*_tail(last, overlap), *pending[len(last) :]]
            while pending and sum(each.words for each in pending) + unit.words > words:
                pending.pop(0)
        pending.append(unit)
    if any(not unit.heading for unit in pending):
        result.append(_chunk(document, pending))
    return result


def _chunk(document: Document, units: Sequence[_Unit]) -> Chunk:
    body = next((unit for unit in units if not unit.heading), units[0])
    return Chunk(document, units[0].start, units[-1].end, body.headings)


def _without_trailing_headings(units: list[_Unit]) -> list[_Unit]:
    end = len(units)
    while end > 1 and units[end - 1].heading:
        end -= 1
    return units[:end]


def _tail(units: Sequence[_Unit], overlap: int) -> list[_Unit]:
    """Return the last sentences of a chunk that the next one repeats; none if a heading begins the next thought."""
    tail: list[_Unit] = []
    for unit in reversed(units[1:]):
        if unit.heading or sum(each.words for each in tail) + unit.words > overlap:
            break
        tail.insert(0, unit)
    return tail


def _units(text: str, words: int) -> Iterator[_Unit]:
    found = blocks(text)
    index = 0
    while index < len(found):
        block = found[index]
        end = index + 1
        while block.kind in {"row", "item"} and end < len(found) and found[end].kind == block.kind:
            end += 1
        whole = Span(block.start, found[end - 1].end)
        if end > index + 1 and _words(text, whole) <= words // 2:  # a table or a list says more as a whole
            yield _unit(text, whole, block)
        else:
            for each in found[index:end]:
                yield from _block_units(text, each)
        index = end


def _block_units(text: str, block: Block) -> Iterator[_Unit]:
    whole = Span(block.start, block.end)
    if block.kind in {"heading", "row", "code"}:
        yield _unit(text, whole, block)
        return
    spans = sentences(text, whole)
    for number, span in enumerate(spans):
        start = block.start if number == 0 else span.start  # a list item keeps its mark
        yield _unit(text, Span(start, span.end), block)


def _unit(text: str, span: Span, block: Block) -> _Unit:
    return _Unit(span.start, span.end, _words(text, span), block.headings, block.kind == "heading")


def _words(text: str, span: Span) -> int:
    return len(tokens(text[span.start : span.end]))

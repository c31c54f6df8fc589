"""A chunk as the built-in teacher reads it: its sentences, lists, tables and sections, each with its place."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from tax.text.segments import Block, Span, blocks, body, cells, folded, plain, sentences, tokens

T = TypeVar("T")

MAX_SENTENCE = 500  # characters; what is longer is seldom one statement
MAX_TITLE = 150  # characters of a title, a heading or a table's cell that a question repeats

# The rest of a paragraph after one of these speaks of an invented case.
_EXAMPLE = re.compile(
    r"(?:suppose|consider|imagine|assume|let|say)\b|for (?:example|instance)\b"
    r"|(?:an?|the) (?:worked |simple )?example\b"
    r"|[^,.]{0,60}\bshows? the (?:steps|arithmetic|idea)\b|舉例|例如|假設|假如|比如|譬如|想像",
    re.IGNORECASE,
)


# What an item is about, set off from what it says.
_ITEM_LABEL = re.compile(
    r"(?:\*\*[^*\n]{1,60}\*\*|`[^`\n]{1,60}`|\"[^\"\n]{1,60}\"|[^，。：\n]{2,12}(?=：))(?:[:：]\s*|\s+[-–—]\s+)"
)


@dataclass(frozen=True)
class Sentence:
    """One sentence as people read it (folded, plain), with its span in the chunk."""

    text: str
    span: Span
    kind: str  # of its block: paragraph, item or quote
    heading: str
    paragraph: int
    in_example: bool


@dataclass(frozen=True)
class Statement:
    """A sentence that stands alone, without its connectives; `index` counts the sentences of the chunk."""

    text: str
    span: Span
    paragraph: int
    index: int


@dataclass(frozen=True)
class Listing:
    """The items of one list, and the sentence that introduces it ("" where none does).

    A list at the edge of its chunk may have lost items to the neighbour: it is not `whole`. `opens` tells whether what
    stands before it can be seen to introduce it.
    """

    intro: str
    items: tuple[tuple[str, Span], ...]
    ordered: bool
    whole: bool
    opens: bool
    heading: str

    @property
    def texts(self) -> list[str]:
        """The items without their marks."""
        return [text for text, _ in self.items]

    @property
    def span(self) -> Span:
        """From the first item to the last."""
        return Span(self.items[0][1].start, self.items[-1][1].end)


@dataclass(frozen=True)
class Table:
    """A table with its head; each row is its cells and its span."""

    columns: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], Span], ...]
    heading: str


@dataclass(frozen=True)
class Question:
    """A question that the chunk answers, in one or several wordings; `evidence` is the place that does."""

    family: str
    wordings: tuple[str, ...]
    answer: str
    evidence: Span


def shuffled(options: Sequence[T], key: str) -> tuple[T, ...]:
    """Return the options turned round, always alike for the same key."""
    start = number(key) % len(options)
    return (*options[start:], *options[:start])


def number(key: str) -> int:
    """Return a number that looks drawn by chance and is a function of the key alone."""
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=6).digest())


class Reading:
    """A chunk, taken apart."""

    def __init__(self, chunk: str, title: str, headings: Sequence[str]) -> None:
        self.chunk = chunk
        self.title = (folded(plain(title)) or (headings[0] if headings else ""))[:MAX_TITLE]
        self._above = headings[-1] if headings else ""
        self._path = tuple(headings)
        self._blocks = blocks(chunk)

    def shown(self, span: Span | Block) -> str:
        """Return a stretch of the chunk as people read it."""
        inner = body(self.chunk, span)
        return folded(plain(self.chunk[inner.start : inner.end]))

    @cached_property
    def sentences(self) -> list[Sentence]:
        """The sentences of paragraphs, items and quotes that are whole and of a sensible length."""
        found: list[Sentence] = []
        for index, block in enumerate(self._blocks):
            if block.kind not in {"paragraph", "item", "quote"}:
                continue
            example = False
            for span in sentences(self.chunk, block):
                label = _ITEM_LABEL.match(self.chunk, span.start, span.end) if block.kind == "item" else None
                text = self.shown(Span(label.end(), span.end) if label else span)
                example = example or bool(_EXAMPLE.match(text))
                if len(text) <= MAX_SENTENCE and text.endswith((".", "。")) and _balanced(text):
                    found.append(Sentence(text, span, block.kind, self._heading(block), index, example))
        return found

    @cached_property
    def topics(self) -> frozenset[str]:
        """The words of the title and the headings, in lower case."""
        titles = [self.title, *self._path, *(self.shown(each) for each in self._blocks if each.kind == "heading")]
        return frozenset(word for title in titles for word in tokens(title))

    @cached_property
    def lists(self) -> list[Listing]:
        """The flat lists of two items or more."""
        return [
            Listing(
                self._intro(first),
                tuple((self.shown(item), Span(item.start, item.end)) for item in run),
                self.chunk[run[0].start].isdigit(),
                self._is_whole(first, run),
                first > 1 or self._intro(first).endswith((":", "：")) or self._blocks[0].kind == "heading",
                self._heading(run[0]),
            )
            for first, run in self._runs("item")
            if len(run) > 1 and len({self._indent(item) for item in run}) == 1
        ]

    @cached_property
    def tables(self) -> list[Table]:
        """The tables whose head is in the chunk and whose rows are as wide as it."""
        found = []
        for _, run in self._runs("row"):
            if "\n" not in self.chunk[run[0].start : run[0].end] or len(run) < 3:
                continue
            columns = tuple(cells(self.chunk[run[0].start : run[0].end]))
            rows = [(tuple(cells(self.chunk[row.start : row.end])), Span(row.start, row.end)) for row in run[1:]]
            short = all(len(cell) <= MAX_TITLE for row, _ in rows for cell in row)
            if all(columns) and short and all(len(row) == len(columns) for row, _ in rows):
                found.append(Table(columns, tuple(rows), self._heading(run[0])))
        return found

    @cached_property
    def openings(self) -> list[tuple[str, Span, list[tuple[str, Span]]]]:
        """The sections that open in the chunk with a paragraph: title, first sentence's span, and all its sentences."""
        found = []
        for heading, first in zip(self._blocks, self._blocks[1:], strict=False):
            if heading.kind == "heading" and first.kind == "paragraph" and heading.end - heading.start <= MAX_TITLE:
                spans = sentences(self.chunk, first)
                found.append((self.shown(heading), spans[0], [(self.shown(span), span) for span in spans]))
        return found

    def _runs(self, kind: str) -> Iterator[tuple[int, list[Block]]]:
        """Yield each run of neighbouring blocks of a kind, with the index of its first; a table's head starts one."""
        run: list[Block] = []
        for index, block in enumerate(self._blocks):
            heads = kind == "row" and "\n" in self.chunk[block.start : block.end]
            if run and (block.kind != kind or heads):
                yield index - len(run), run
                run = []
            if block.kind == kind:
                run.append(block)
        if run:
            yield len(self._blocks) - len(run), run

    def _intro(self, first: int) -> str:
        before = self._blocks[first - 1] if first else None
        if before is None or before.kind != "paragraph":
            return ""
        return self.shown(sentences(self.chunk, before)[-1])

    def _is_whole(self, first: int, run: Sequence[Block]) -> bool:
        begins = self.chunk[run[0].start]
        inside = first > 0 and first + len(run) < len(self._blocks)
        return inside and (not begins.isdigit() or begins == "1")

    def _heading(self, block: Block) -> str:
        return (block.headings[-1] if block.headings else self._above)[:MAX_TITLE]

    def _indent(self, block: Block) -> int:
        return block.start - (self.chunk.rfind("\n", 0, block.start) + 1)


_PAIRS = ("()", "[]", "“”", "「」", "『』", "（）", "《》")


def _balanced(text: str) -> bool:
    """Tell whether brackets and quotes close, so that no half of a quotation is taken for a statement."""
    even = text.count('"') % 2 == 0 and text.count("`") % 2 == 0
    return even and all(text.count(pair[0]) == text.count(pair[1]) for pair in _PAIRS)
